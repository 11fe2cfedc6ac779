// SPDX-License-Identifier: Apache-2.0
#include "proxy/nginx_configuration.h"

#include "support/catch.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

NginxSettings settings_for(const std::string& url) {
  Api api;
  api.url = url;
  api.requests = {"POST /v1/messages", "GET /v1/models/*"};
  return {"/run/oci-oauth-proxy", "/ca.pem", {{"claude", api}}};
}

}  // namespace

TEST_CASE("a profile has a server on a socket of its own, with the provider's requests",
          "[nginx_configuration]") {
  const std::string text = nginx_configuration(settings_for("https://api.example.com"));
  CHECK_THAT(text, Contains("listen unix:/run/oci-oauth-proxy/claude.sock proxy_protocol"));
  CHECK_THAT(text, Contains("\"~^POST /v1/messages(\\?.*)?$\" 1;"));
  CHECK_THAT(text, Contains("\"~^GET /v1/models/[A-Za-z0-9_~-][A-Za-z0-9._~-]*(\\?.*)?$\" 1;"));
  CHECK_THAT(text, Contains("client_max_body_size 64m;"));
  CHECK_THAT(text, Contains("rate=600r/m;"));
  CHECK_THAT(text, Contains("proxy_ssl_name api.example.com;"));
  CHECK_THAT(text, Contains("proxy_set_header Host api.example.com;"));
  CHECK_THAT(text, Contains("server unix:/run/oci-oauth-proxy/claude.api;"));
  CHECK_THAT(text, Contains("proxy_pass https://api1$request_uri;"));
}

TEST_CASE("an API on a loopback address may have no TLS", "[nginx_configuration]") {
  const std::string text = nginx_configuration(settings_for("http://127.0.0.1"));
  CHECK_THAT(text, Contains("proxy_pass http://api1$request_uri;"));
  CHECK_THAT(text, Contains("proxy_set_header Host 127.0.0.1;"));
}

TEST_CASE("the configuration names its profiles, and where their APIs are", "[nginx_configuration]") {
  NginxSettings settings = settings_for("https://api.example.com");
  const auto profiles = [&] { return profiles_in(nginx_configuration(settings)); };
  CHECK(profiles() == std::vector<PreparedProfile>{{"claude", "api.example.com", "443"}});
  settings.profiles.push_back(settings.profiles.front());
  settings.profiles.back().name = "other";
  settings.profiles.back().api.url = "http://[::1]:8080";
  CHECK(profiles() ==
        std::vector<PreparedProfile>{{"claude", "api.example.com", "443"}, {"other", "::1", "8080"}});
  settings.profiles.clear();
  CHECK(profiles().empty());
  for (const char* text : {"", "# profile", "# profiles: a", "events {}"}) CHECK(profiles_in(text).empty());
}
