// SPDX-License-Identifier: Apache-2.0
#include "exchange/server_metadata.h"

#include "exchange_host.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace oci_oauth::test;

namespace {

const std::string issuer = "https://as.example/tenant";
const std::string url = "https://as.example/metadata";

std::string mistake_in(const std::string& text) {
  const auto metadata = parse_metadata(text, url, issuer);
  return metadata ? "" : metadata.error().message;
}

// An issuer at the test's endpoint, which has nothing where RFC 8414 looks first.
struct Issuer {
  TokenEndpoint endpoint;
  std::string name = endpoint.origin() + "/control/issuer";

  void answer(int status, std::string body) {
    endpoint.handle_control([status, body = std::move(body)](const test::Request& request) {
      const bool is_metadata = request.path == "/control/issuer/.well-known/openid-configuration";
      return is_metadata ? Reply{status, {}, body} : Reply{404, {}, ""};
    });
  }
  std::string metadata() const {
    return R"({"issuer": ")" + name + R"(", "token_endpoint": ")" + endpoint.url() + "\"}";
  }
};

}  // namespace

TEST_CASE("the well-known name comes behind the host, and for OpenID behind the path") {
  CHECK(metadata_urls("https://as.example") ==
        std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server",
                                 "https://as.example/.well-known/openid-configuration"});
  CHECK(metadata_urls("https://as.example:8443/a/b/") ==
        std::vector<std::string>{"https://as.example:8443/.well-known/oauth-authorization-server/a/b",
                                 "https://as.example:8443/a/b/.well-known/openid-configuration"});
}

TEST_CASE("metadata says which endpoints there are") {
  const auto metadata = parse_metadata(R"({"issuer": "https://as.example/tenant",
      "token_endpoint": "https://as.example/token", "revocation_endpoint": "http://127.0.0.1:1/revoke",
      "authorization_response_iss_parameter_supported": true, "code_challenge_methods_supported": ["plain"],
      "unknown": {}})",
                                       url, issuer);
  REQUIRE(metadata);
  CHECK(metadata->token_url == "https://as.example/token");
  CHECK(metadata->revocation_url == "http://127.0.0.1:1/revoke");
  CHECK(metadata->authorization_url.empty());
  CHECK(metadata->names_itself);
  CHECK_FALSE(metadata->supports_s256);
  CHECK(parse_metadata(R"({"issuer": "https://as.example/tenant"})", url, issuer)->supports_s256);
}

TEST_CASE("metadata of another issuer is none, however similar the name is") {
  for (const char* other : {"https://as.example/tenant/", "https://AS.example/tenant", "https://as.example",
                            "http://as.example/tenant", ""}) {
    INFO(other);
    CHECK(mistake_in(std::string(R"({"issuer": ")") + other + "\"}") ==
          url + ": does not say that the issuer is 'https://as.example/tenant'");
  }
  CHECK_FALSE(mistake_in("[]").empty());
  CHECK_FALSE(mistake_in("<html>").empty());
  CHECK_FALSE(mistake_in(R"({"issuer": 1})").empty());
}

TEST_CASE("an issuer that is an origin may be written with a slash") {
  const std::string text = R"({"issuer": "https://as.example"})";
  CHECK(parse_metadata(text, url, "https://as.example/"));
  CHECK(parse_metadata(R"({"issuer": "https://as.example/"})", url, "https://as.example"));
  CHECK_FALSE(parse_metadata(text, url, "https://as.example.org/"));
}

TEST_CASE("a client's secret is sent as the server takes it, and as the provider says if it takes both") {
  const auto accepted = [](const std::string& methods) {
    return parse_metadata(R"({"issuer": "https://as.example/tenant")" + methods + "}", url, issuer)
        ->accepted(ClientAuthentication::post);
  };
  CHECK(accepted("") == ClientAuthentication::post);
  CHECK(accepted(R"(, "token_endpoint_auth_methods_supported": ["client_secret_basic"])") ==
        ClientAuthentication::basic);
  CHECK(accepted(
            R"(, "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"])") ==
        ClientAuthentication::post);
}

TEST_CASE("a protected resource's metadata is about it, or about what contains it, and names a server") {
  const std::string resource = "https://mcp.example/tools/v1";
  CHECK(resource_metadata_urls(resource) ==
        std::vector<std::string>{"https://mcp.example/.well-known/oauth-protected-resource/tools/v1",
                                 "https://mcp.example/.well-known/oauth-protected-resource"});
  CHECK(resource_metadata_urls("https://mcp.example/").size() == 1);
  const auto server_of = [&](const std::string& named, const std::string& servers) {
    const auto server = parse_resource_metadata(
        R"({"resource": ")" + named + R"(", "authorization_servers": )" + servers + "}", url, resource);
    return server ? *server : server.error().message;
  };
  const std::string other = url + ": does not say that it is about 'https://mcp.example/tools/v1'";
  for (const char* named :
       {"https://mcp.example/tools/v1", "https://mcp.example/tools/", "https://mcp.example"})
    CHECK(server_of(named, R"(["https://as.example"])") == "https://as.example");
  for (const char* named : {"https://mcp.example/tools/v", "https://mcp.example.org", "https://mcp",
                            "https:", "https", "", "/"}) {
    INFO(named);
    CHECK(server_of(named, R"(["https://as.example"])") == other);
  }
  CHECK(server_of(resource, "[]") == url + ": names no authorization server");
  CHECK(server_of(resource, "[7]") == url + ": names no authorization server");
}

TEST_CASE("a resource without metadata is its own issuer") {
  const TokenEndpoint endpoint;  // has no metadata at all
  const TempDir home;
  TokenRequest client;
  client.resource = endpoint.origin() + "/tools";
  client.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
  const auto server = discover(client);
  REQUIRE_FALSE(server);
  CHECK(server.error().message ==
        endpoint.origin() + "/.well-known/oauth-authorization-server: answered 404");
}

TEST_CASE("a login's issuer is asked alone, whatever its resource would say") {
  const TokenEndpoint endpoint;
  const TempDir home;
  TokenRequest client;
  client.issuer = endpoint.origin();
  client.resource = endpoint.origin() + "/tools";
  client.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
  CHECK_FALSE(discover(client));
  for (const test::Request& request : endpoint.requests())
    CHECK(request.path.find("oauth-protected-resource") == std::string::npos);
}

TEST_CASE("an endpoint without TLS is refused") {
  CHECK(
      mistake_in(R"({"issuer": "https://as.example/tenant", "token_endpoint": "http://as.example/token"})") ==
      url + ": /token_endpoint: 'http://as.example/token' is neither https nor http to a loopback address");
}

TEST_CASE("a profile that has an issuer is refreshed at the endpoint that its metadata names") {
  ExchangeHost host;
  Issuer issuer;
  issuer.answer(200, issuer.metadata());
  host.request.profile.token_url.clear();
  host.request.provider.token_url.clear();
  host.request.profile.issuer = issuer.name;
  const test::Login login = issuer.endpoint.issue_login();
  host.home.write("claude/.credentials.json",
                  claude_credentials(login, std::chrono::system_clock::now() - 24h));
  const ExchangeReport report = host.run();
  INFO((report.failure ? report.failure->message : ""));
  CHECK(report.refreshed);
  CHECK(issuer.endpoint.accepts_refresh_token(host.field("refreshToken")));
}

TEST_CASE("without metadata nothing is sent, and a later run tries again") {
  ExchangeHost host;
  Issuer issuer;
  host.request.profile.token_url.clear();
  host.request.provider.token_url.clear();
  host.request.profile.issuer = issuer.name;
  const auto [status, has_name, what] =
      GENERATE(table<int, bool, std::string>({{404, false, "answered 404"},
                                              {503, false, "answered 404"},
                                              {200, false, "does not say that the issuer is"},
                                              {200, true, "has no token_endpoint"}}));
  issuer.answer(status, has_name ? R"({"issuer": ")" + issuer.name + "\"}" : "{}");
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::server);
  CHECK_THAT(report.failure->message, Catch::StartsWith("issuer: ") && Catch::Contains(what));
  CHECK(host.posts() == 0);
}

TEST_CASE("a look for metadata takes a few seconds at most, and no longer than any other request") {
  TokenRequest client;
  client.total_timeout = GENERATE(3s, 8s, 60s);
  const HttpRequest request = metadata_request(client);
  CHECK(request.method == "GET");
  CHECK(request.total_timeout == std::min<Milliseconds>(client.total_timeout, 8s));
}

TEST_CASE("an issuer that cannot be reached is a matter of the network") {
  ExchangeHost host;
  host.request.profile.token_url.clear();
  host.request.provider.token_url.clear();
  host.request.profile.issuer = "https://localhost:1";
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::network);
  CHECK_THAT(report.failure->message, Catch::Contains("connection refused"));
}
