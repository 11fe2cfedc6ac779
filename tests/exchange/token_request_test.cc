// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_request.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth {

using namespace std::chrono_literals;
using test::Ending;
using test::Stage;
using test::TokenEndpoint;
using Sent = RequestFailure::Sent;

namespace {

const std::string refresh_token = "sk-ant-ort01-not & to be=seen+";

class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = ::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~EnvironmentVariable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// A loopback port that refuses connections for as long as it lives: bound, and nobody listens.
class RefusingPort {
 public:
  RefusingPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = std::to_string(ntohs(address.sin_port));
  }
  const std::string& number() const { return number_; }

 private:
  UniqueFd socket_;
  std::string number_;
};

struct Client {
  TempDir directory;
  TokenRequest request;

  explicit Client(std::string url) {
    request.url = std::move(url);
    request.client_id = "client & id";
    request.user_agent = "test/1";
    request.ca_file = directory.write("ca.pem", TokenEndpoint::ca_pem());
  }
  RequestResult post() const { return post_token_request(request, Secret(refresh_token), {}); }
};

HttpReply reply_of(RequestResult result) {
  if (const auto* failure = std::get_if<RequestFailure>(&result)) FAIL(failure->message);
  return std::move(std::get<HttpReply>(result));
}

RequestFailure failure_of(const RequestResult& result) {
  REQUIRE(std::holds_alternative<RequestFailure>(result));
  return std::get<RequestFailure>(result);
}

std::string host_and_port(const TokenEndpoint& endpoint) {
  return endpoint.origin().substr(std::string("https://").size());
}

}  // namespace

// First, because libcurl reads this variable once.
TEST_CASE("the keys of a connection are written nowhere") {
  const TempDir directory;
  const EnvironmentVariable keys("SSLKEYLOGFILE", directory / "keys");
  TokenEndpoint endpoint;
  CHECK(reply_of(Client(endpoint.url()).post()).status == 400);
  CHECK_FALSE(std::filesystem::exists(directory / "keys"));
}

TEST_CASE("a refresh request carries the parameters of RFC 6749 in either encoding") {
  TokenEndpoint endpoint;
  Client client(endpoint.url());
  client.request.body = GENERATE(BodyEncoding::form, BodyEncoding::json);
  client.request.scopes = {"user:inference", "user:profile"};
  reply_of(client.post());

  const auto requests = endpoint.requests();
  REQUIRE(requests.size() == 1);
  const test::Request& request = requests[0];
  CHECK(request.method == "POST");
  CHECK(request.parameters == test::Parameters{{"grant_type", "refresh_token"},
                                               {"refresh_token", refresh_token},
                                               {"client_id", "client & id"},
                                               {"scope", "user:inference user:profile"}});
  const bool json = client.request.body == BodyEncoding::json;
  CHECK(request.headers.at("content-type") ==
        (json ? "application/json" : "application/x-www-form-urlencoded"));
  CHECK(request.headers.at("accept") == "application/json");
  CHECK(request.headers.at("user-agent") == "test/1");
  CHECK(request.headers.count("expect") == 0);
}

TEST_CASE("without scopes there is no scope parameter") {
  TokenEndpoint endpoint;
  reply_of(Client(endpoint.url()).post());
  CHECK(endpoint.requests().at(0).parameters.count("scope") == 0);
}

TEST_CASE("an answer is handed over with its status, body and Retry-After") {
  TokenEndpoint endpoint;
  endpoint.script({.reply = test::Reply{429, {{"Retry-After", "17"}}, "slow down"}});
  const HttpReply reply = reply_of(Client(endpoint.url()).post());
  CHECK(reply.status == 429);
  CHECK(reply.retry_after == "17");
  CHECK(reply.body.reveal() == "slow down");
}

TEST_CASE("an answer that asks for another request gets none") {
  TokenEndpoint endpoint;
  const int status = GENERATE(302, 307, 401, 417);
  endpoint.script({.reply = test::Reply{
                       status, {{"Location", endpoint.url()}, {"WWW-Authenticate", "Basic realm=x"}}, "{}"}});
  CHECK(reply_of(Client(endpoint.url()).post()).status == status);
  CHECK(endpoint.requests().size() == 1);
  CHECK(endpoint.counters().connections == 1);
}

TEST_CASE("if a connection is refused, nothing was sent") {
  const RefusingPort port;
  const auto failure = failure_of(Client("https://localhost:" + port.number() + "/token").post());
  CHECK(failure.sent == Sent::no);
  CHECK(failure.message == "connect to localhost:" + port.number() + ": connection refused");
}

TEST_CASE("if the host is unknown, nothing was sent") {
  Client client("https://nonexistent.invalid/token");
  client.request.connect_timeout = 5s;
  const auto failure = failure_of(client.post());
  CHECK(failure.sent == Sent::no);
  CHECK_THAT(failure.message, Catch::StartsWith("connect to nonexistent.invalid:443: "));
}

TEST_CASE("with a certificate of an unknown authority, nothing is sent") {
  TokenEndpoint endpoint({.authorization = {}, .identity = test::Identity::other_authority});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::no);
  CHECK(failure.message ==
        "certificate of " + host_and_port(endpoint) + ": unable to get local issuer certificate");
  CHECK(endpoint.requests().empty());
}

TEST_CASE("with another host's certificate, nothing was sent") {
  TokenEndpoint endpoint({.authorization = {}, .identity = test::Identity::other_host});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::no);
  CHECK_THAT(failure.message, Catch::StartsWith("certificate of " + host_and_port(endpoint) + ": ") &&
                                  Catch::Contains("localhost"));
  CHECK(endpoint.requests().empty());
}

TEST_CASE("with an invalid CA file, nothing is sent") {
  TokenEndpoint endpoint;
  Client client(endpoint.url());
  const auto [content, reason] =
      GENERATE(table<const char*, const char*>({{nullptr, "No such file or directory"},
                                                {"", "contains no certificates"},
                                                {"no PEM", "contains no certificates"}}));
  client.request.ca_file = client.directory / "other.pem";
  if (content != nullptr) client.directory.write("other.pem", content);
  const auto failure = failure_of(client.post());
  CHECK(failure.sent == Sent::no);
  CHECK(failure.message == "ca_file: " + client.request.ca_file + ": " + reason);
}

TEST_CASE("if a connection ends before TLS is up, nothing was sent") {
  TokenEndpoint endpoint;
  endpoint.script({.at = Stage::accepted, .ending = GENERATE(Ending::reset, Ending::close)});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::no);
  CHECK_THAT(failure.message, Catch::StartsWith("connect to " + host_and_port(endpoint) + ": "));
  CHECK(endpoint.counters().connections == 1);
}

TEST_CASE("a connection that ends once TLS is up may have carried the request, which is not repeated") {
  TokenEndpoint endpoint;
  const Stage stage = GENERATE(Stage::handshaken, Stage::received, Stage::rotated);
  const Ending ending = GENERATE(Ending::reset, Ending::close);
  endpoint.script({.at = stage, .ending = ending});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::perhaps);
  CHECK(endpoint.counters().connections == 1);
  CHECK(endpoint.counters().posts <= 1);
}

TEST_CASE("if a server hangs before TLS is up, nothing was sent") {
  TokenEndpoint endpoint;
  endpoint.script({.at = Stage::accepted, .ending = Ending::hang});
  Client client(endpoint.url());
  client.request.connect_timeout = 300ms;
  const auto failure = failure_of(client.post());
  CHECK(failure.sent == Sent::no);
  CHECK(failure.message == "connect to " + host_and_port(endpoint) + ": no connection within 0.3 s");
}

TEST_CASE("while a server hangs the caller is called, until the time is up") {
  TokenEndpoint endpoint;
  endpoint.script({.ending = Ending::hang});
  Client client(endpoint.url());
  client.request.total_timeout = 2500ms;
  unsigned calls_after_sending = 0;
  const auto count = [&] { calls_after_sending += endpoint.counters().posts == 1 ? 1U : 0U; };
  const auto failure =
      failure_of(post_token_request(client.request, Secret(refresh_token), {.waiting = count}));
  CHECK(failure.sent == Sent::perhaps);
  CHECK(failure.message == "no answer within 2.5 s");
  CHECK(calls_after_sending >= 2);
}

TEST_CASE("a request that is given up at the last moment was not sent") {
  TokenEndpoint endpoint;
  const Client client(endpoint.url());
  const auto failure = failure_of(
      post_token_request(client.request, Secret(refresh_token), {.may_send = [] { return false; }}));
  CHECK(failure.sent == Sent::no);
  CHECK(endpoint.counters().connections == 1);
  CHECK(endpoint.counters().posts == 0);
}

TEST_CASE("a body is shown as it arrives, also where it then ends early") {
  TokenEndpoint endpoint;
  endpoint.script({.ending = Ending::truncate, .reply = test::Reply{200, {}, "{}      "}});
  const Client client(endpoint.url());
  std::string seen;
  std::string date;
  const auto keep = [&](const Arrival& arrival) {
    seen = std::to_string(arrival.status) + " " + std::string(arrival.body);
    date = arrival.date;
  };
  failure_of(post_token_request(client.request, Secret(refresh_token), {.arriving = keep}));
  CHECK(seen == "200 {}  ");
}

TEST_CASE("a truncated answer leaves open what the server did") {
  TokenEndpoint endpoint;
  endpoint.script({.ending = Ending::truncate, .reply = test::Reply{200, {}, "SECRET SECRET"}});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::perhaps);
  CHECK(failure.message == "the answer is incomplete");
}

TEST_CASE("an answer may have a mebibyte and no byte more") {
  constexpr size_t limit = 1024 * 1024;
  TokenEndpoint endpoint;
  endpoint.script({.pad_to = limit});
  CHECK(reply_of(Client(endpoint.url()).post()).body.reveal().size() == limit);
  endpoint.script({.pad_to = GENERATE(limit + 1, 10 * limit)});
  const auto failure = failure_of(Client(endpoint.url()).post());
  CHECK(failure.sent == Sent::perhaps);
  CHECK(failure.message == "the answer is larger than 1048576 bytes");
}

TEST_CASE("a proxy is used if it is configured, and only then") {
  TokenEndpoint endpoint;
  const RefusingPort port;
  const std::string proxy = "http://127.0.0.1:" + port.number();
  const EnvironmentVariable https("https_proxy", proxy), all("ALL_PROXY", proxy);
  Client client(endpoint.url());
  CHECK(reply_of(client.post()).status == 400);

  const EnvironmentVariable exempt("no_proxy", "*");
  client.request.proxy = proxy;
  CHECK(failure_of(client.post()).sent == Sent::no);
  CHECK(endpoint.counters().connections == 1);
}

TEST_CASE("an authority that only the environment names is not trusted") {
  TokenEndpoint endpoint;
  Client client(endpoint.url());
  const EnvironmentVariable openssl("SSL_CERT_FILE", client.request.ca_file),
      curl("CURL_CA_BUNDLE", client.request.ca_file), directory("SSL_CERT_DIR", client.directory.path());
  client.request.ca_file.clear();
  const auto failure = failure_of(client.post());
  CHECK(failure.sent == Sent::no);
  CHECK_THAT(failure.message, Catch::StartsWith("certificate of "));
}

TEST_CASE("a token URL that may not be used is not used") {
  const auto failure = failure_of(Client("http://nonexistent.invalid/token").post());
  CHECK(failure.sent == Sent::no);
  CHECK_THAT(failure.message, Catch::Contains("neither https nor http to a loopback address"));
  CHECK_THAT(failure.message, Catch::StartsWith("token_url: "));
}

}  // namespace oci_oauth
