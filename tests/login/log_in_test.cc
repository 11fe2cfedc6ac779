// SPDX-License-Identifier: Apache-2.0
#include "login/log_in.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/child.h"
#include "login/code_grant.h"
#include "world.h"

using namespace oci_oauth;
using namespace oci_oauth::test;

namespace {

const std::string pending = R"({"error": "authorization_pending"})";

// What a browser does: opens the address that it is given, and returns to where the server sends it.
class Browser {
 public:
  // `query`: what it brings back, with the state in the place of "STATE"; each is sent.
  explicit Browser(std::vector<std::string> queries) {
    auto pipe = make_pipe();
    REQUIRE(pipe);
    address_ = std::move(pipe->writing);
    thread_ = std::thread([this, queries = std::move(queries), end = std::move(pipe->reading)] {
      char buffer[4096];
      const ssize_t count = ::read(end.get(), buffer, sizeof buffer);
      if (count <= 0) return;
      opened_.assign(buffer, static_cast<size_t>(count));
      for (const std::string& query : queries) bring(query);
    });
  }
  ~Browser() {
    address_.reset();
    thread_.join();
  }
  int fd() const { return address_.get(); }
  std::string parameter(const std::string& name) const {
    const size_t at = opened_.find(name + "=") + name.size() + 1;
    return opened_.substr(at, opened_.find_first_of("&\n", at) - at);
  }

 private:
  void bring(std::string query) {
    if (const size_t at = query.find("STATE"); at != query.npos) query.replace(at, 5, parameter("state"));
    const std::string uri = parameter("redirect_uri");  // http%3A%2F%2F127.0.0.1%3APORT%2Fcallback
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(uri.substr(uri.rfind("%3A") + 3))));
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
    const std::string text = "GET /callback?" + query + " HTTP/1.1\r\n\r\n";
    (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    for (char byte; ::recv(fd.get(), &byte, 1, 0) > 0;) {
    }
  }

  UniqueFd address_;
  std::string opened_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a login by a device code becomes a document for its owner alone") {
  World world;
  world.answers["token"] = {{400, {}, pending}, {200, {}, grant}};
  const ExchangeReport report = world.run();
  INFO((report.failure ? report.failure->message : ""));
  REQUIRE_FALSE(report.failure);
  CHECK(world.member("access_token") == "at-secret");
  CHECK(world.member("refresh_token") == "rt-secret");
  CHECK(world.member("scope") == "a b");
  CHECK(world.member("made_by") == "oci-oauth login");
  CHECK_THAT(world.home.read("login.json"), !Contains("it-secret"));
  struct stat status;
  REQUIRE(::stat((world.home / "login.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(world.seen.size() == 3);
  CHECK(world.seen[0].second == test::Parameters{{"client_id", "me"}, {"scope", "a b c"}});
  CHECK(world.seen[2].second ==
        test::Parameters{{"client_id", "me"},
                         {"device_code", "dc-secret"},
                         {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}});
}

TEST_CASE("a login that fails leaves nothing, and says why in the server's words") {
  World world;
  const auto [status, body, kind, words] = GENERATE(table<int, const char*, FailureKind, const char*>(
      {{400, R"({"error": "access_denied", "error_description": "not\u001b[2J you"})",
        FailureKind::login_required, "access_denied: not?[2J you"},
       {400, R"({"error": "expired_token"})", FailureKind::network, "expired_token"},
       {401, R"({"error": "invalid_client"})", FailureKind::login, "invalid_client"},
       {400, R"({"error": "invalid_grant", "error_description": "no dc-secret here"})", FailureKind::login,
        "token endpoint: 400 invalid_grant"},
       {200, "{}", FailureKind::login, "token endpoint: 200"}}));
  world.answers["token"] = {{status, {}, body}};
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == kind);
  CHECK_THAT(report.failure->message, Contains(words));
  CHECK_FALSE(world.has_login());
}

TEST_CASE("a server error while a person logs in does not end the login") {
  World world;
  world.answers["token"] = {{503, {}, ""}, {200, {}, grant}};
  CHECK_FALSE(world.run().failure);
  CHECK(world.has_login());
}

TEST_CASE("a code that expires is asked for no longer") {
  World world;
  world.answers["device"][0].body = R"({"device_code": "dc-secret", "user_code": "ABCD", "interval": 1,
      "expires_in": 2, "verification_uri": "https://example.com/device"})";
  world.answers["token"] = {{400, {}, pending}};
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::network);
  CHECK_THAT(report.failure->message, Contains("expired"));
  CHECK(world.count("token") == 1);
}

TEST_CASE("a signal ends a login before it changes anything") {
  World world;
  world.answers["token"] = {{400, {}, pending}};
  world.meanwhile = [](const std::string& word) {
    if (word == "token") ::kill(::getpid(), SIGINT);
  };
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK(report.failure->message == "interrupted; nothing was changed");
  CHECK_FALSE(world.has_login());
}

TEST_CASE("a login that is there is asked about before the server is") {
  World world;
  const std::string theirs = GENERATE(R"({"access_token": "old", "refresh_token": "old"})", "damaged {");
  world.home.write("login.json", theirs);
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK(report.failure->hint == "oci-oauth login work --force");
  CHECK(world.seen.empty());
  CHECK(world.home.read("login.json") == theirs);
}

TEST_CASE("with --force, the tokens are replaced and the rest of the document stays") {
  World world;
  world.home.write("login.json",
                   R"({"access_token": "old", "mine": [1, 2], "refresh_token": "old", "scope": ["x"]})");
  world.request.force = Force::yes;
  CHECK_FALSE(world.run().failure);
  const std::string document = world.home.read("login.json");
  CHECK_THAT(document,
             Catch::StartsWith(
                 R"({"access_token": "at-secret", "mine": [1, 2], "refresh_token": "rt-secret", "scope":)"));
  CHECK_THAT(document, !Contains("made_by"));
}

TEST_CASE("a login that another program writes in the meantime stays") {
  World world;
  world.meanwhile = [&](const std::string& word) {
    if (word == "token") world.home.write("login.json", R"({"refresh_token": "theirs"})");
  };
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->message, Contains("in the meantime"));
  CHECK(world.member("refresh_token") == "theirs");
}

TEST_CASE("where no login can be stored, nobody is asked to log in") {
  World world;
  world.request.profile.credentials = world.home / "none/login.json";
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK_THAT(report.failure->hint, Catch::StartsWith("mkdir -p -m 700 "));
  CHECK(world.seen.empty());
}

TEST_CASE("a browser brings the code, and only the holder of the verifier gets the tokens") {
  World world(LoginFlow::code);
  const Browser browser({"code=stolen&state=guessed", "state=STATE", "code=right&state=STATE"});
  world.request.login->browser = browser.fd();
  const ExchangeReport report = world.run();
  INFO((report.failure ? report.failure->message : ""));
  REQUIRE_FALSE(report.failure);
  CHECK(world.member("refresh_token") == "rt-secret");
  REQUIRE(world.seen.size() == 1);
  const test::Parameters& sent = world.seen[0].second;
  CHECK(sent.at("grant_type") == "authorization_code");
  CHECK(sent.at("code") == "right");
  CHECK(code_challenge(sent.at("code_verifier")) == browser.parameter("code_challenge"));
  CHECK(sent.at("redirect_uri").starts_with("http://127.0.0.1:"));
}

TEST_CASE("a browser that brings a refusal ends the login") {
  World world(LoginFlow::code);
  const Browser browser({"error=access_denied&error_description=no&state=STATE"});
  world.request.login->browser = browser.fd();
  const ExchangeReport report = world.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK(report.failure->message == "the server refused: access_denied: no");
  CHECK(world.seen.empty());
}

TEST_CASE("which flow is used follows from the server and the browser") {
  World world(LoginFlow::automatic);
  CHECK_FALSE(world.run().failure);
  CHECK(world.count("device") == 1);
  world.request.force = Force::yes;
  world.request.provider.device_authorization_url.clear();
  world.request.provider.authorization_url.clear();
  CHECK_THAT(world.run().failure->message, Contains("has no authorization endpoint"));
  world.request.login->flow = LoginFlow::device;
  CHECK_THAT(world.run().failure->message, Contains("has no device authorization endpoint"));
}

TEST_CASE("a logout revokes the refresh token, then the access token, and removes the document") {
  World world;
  world.write_login();
  const ExchangeReport report = world.run(log_out);
  INFO((report.failure ? report.failure->message : ""));
  CHECK_FALSE(report.failure);
  REQUIRE(world.seen.size() == 2);
  CHECK(world.seen[0].second ==
        test::Parameters{{"client_id", "me"}, {"token", "rt-secret"}, {"token_type_hint", "refresh_token"}});
  CHECK(world.seen[1].second.at("token") == "at-secret");
  CHECK(std::filesystem::directory_iterator(world.home.path())->path().filename() == "ca.pem");
  CHECK(report.notices == std::vector<std::string>{"removed " + (world.home / "login.json")});
}

TEST_CASE("a document that another program made stays after a logout") {
  World world;
  world.home.write("login.json", R"({"access_token": "at-secret", "refresh_token": "rt-secret"})");
  const ExchangeReport report = world.run(log_out);
  CHECK_FALSE(report.failure);
  CHECK(world.count("revoke") == 2);
  CHECK(world.has_login());
  REQUIRE(report.notices.size() == 1);
  CHECK_THAT(report.notices[0], Contains("another program made it"));
}

TEST_CASE("what cannot be revoked is removed and said") {
  World world;
  world.write_login();
  std::string what = "the refresh_token is not revoked: ";
  const int way = GENERATE(0, 1, 2);
  if (way == 0) {
    world.answers["revoke"] = {{503, {}, ""}};
    what += "revocation endpoint: 503";
  } else if (way == 1) {
    world.request.provider.revocation_url = "https://localhost:1/revoke";
    what += "connect to localhost:1";
  } else {
    world.request.profile.issuer = "https://localhost:1";
    what = "the tokens are not revoked: issuer: https://localhost:1/";
  }
  const ExchangeReport report = world.run(log_out);
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login);
  CHECK_THAT(report.failure->message, Catch::StartsWith(what));
  CHECK_FALSE(world.has_login());
}

TEST_CASE("a server without a revocation endpoint is no failure") {
  World world;
  world.write_login();
  world.request.provider.revocation_url.clear();
  const ExchangeReport report = world.run(log_out);
  CHECK_FALSE(report.failure);
  CHECK_THAT(report.notices.front(), Contains("valid until they expire"));
  CHECK_FALSE(world.has_login());
}

TEST_CASE("a logout without a login has nothing to do") {
  World world;
  const ExchangeReport report = world.run(log_out);
  CHECK_FALSE(report.failure);
  CHECK(world.seen.empty());
  REQUIRE(report.notices.size() == 1);
}
