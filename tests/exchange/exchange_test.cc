// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include "exchange/exchange_host.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Host = test::ExchangeHost;
using test::reply;

TEST_CASE("a due login is refreshed: the request is the documented one, the document has what came") {
  Host host;
  const std::string old_refresh = host.field("refreshToken");
  const ExchangeReport report = host.run();
  CHECK_FALSE(report.failure);
  CHECK(report.refreshed);
  const auto requests = host.endpoint.requests();
  REQUIRE(requests.size() == 1);
  const auto& sent = requests[0].parameters;
  CHECK(sent.at("grant_type") == "refresh_token");
  CHECK(sent.at("refresh_token") == old_refresh);
  CHECK(sent.at("client_id") == "9d1c250a-e61b-44d9-88ed-5944d1962f5e");
  CHECK(sent.at("scope") == "user:inference user:profile");
  CHECK(host.field("refreshToken") != old_refresh);
  CHECK(host.login_works());
  CHECK(host.endpoint.accepts_access_token(host.field("accessToken")));
  REQUIRE(report.login);
  CHECK(report.login->expires_at > now() + 7h);
}

TEST_CASE("what is published has the stamp of the document that was written") {
  Host host;
  const ExchangeReport report = host.run();
  struct stat status;
  REQUIRE(::stat(host.request.profile.credentials.c_str(), &status) == 0);
  REQUIRE(report.login);
  CHECK(report.login->stamp == FileStamp::of(status));
}

TEST_CASE("what is published contains no refresh token") {
  Host host;
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  REQUIRE(report.login->files.size() == 2);
  for (const auto& [name, content] : report.login->files) {
    CHECK(content.reveal().find("sk-ant-ort01") == std::string_view::npos);
    CHECK(content.reveal().find("refreshToken") == std::string_view::npos);
  }
}

TEST_CASE("a login that is not due causes no request, and --force causes one") {
  Host host;
  host.login(8h);
  CHECK(host.run().login);
  CHECK(host.posts() == 0);
  host.request.force = Force::yes;
  CHECK(host.run().refreshed);
  CHECK(host.posts() == 1);
}

TEST_CASE("unknown keys at every level, their order and the mode stay; a link stays a link") {
  Host host;
  const std::string access = host.field("accessToken"), refresh = host.field("refreshToken");
  const std::string target = host.home.write(
      "real.json", R"({"zeta":{"k":[1,{"x":null}]},"claudeAiOauth":{"unknown":true,"accessToken":")" +
                       access + R"(","refreshToken":")" + refresh +
                       R"(","expiresAt":1700000000000,"scopes":["user:inference"]},"alpha":1})");
  ::chmod(target.c_str(), 0640);
  std::filesystem::remove(host.request.profile.credentials);
  std::filesystem::create_symlink(target, host.request.profile.credentials);
  REQUIRE(host.run().refreshed);
  CHECK(std::filesystem::is_symlink(host.request.profile.credentials));
  const std::string document = host.document();
  CHECK(document.starts_with(
      R"({"zeta":{"k":[1,{"x":null}]},"claudeAiOauth":{"unknown":true,"accessToken":"sk-)"));
  CHECK(document.ends_with(R"("scopes":["user:inference"]},"alpha":1})"));
  struct stat status;
  REQUIRE(::stat(target.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("an invalid expiry is corrected by one refresh") {
  for (const char* expires :
       {"", R"("expiresAt":null,)", R"("expiresAt":0,)", R"("expiresAt":1,)", R"("expiresAt":-5,)",
        R"("expiresAt":"x",)", R"("expiresAt":"2026-11-24T06:30:00Z",)", R"("expiresAt":1795490906,)"}) {
    INFO(expires);
    Host host;
    const std::string access = host.field("accessToken"), refresh = host.field("refreshToken");
    host.home.write("claude/.credentials.json",
                    R"({"claudeAiOauth":{)" + std::string(expires) + R"("accessToken":")" + access +
                        R"(","refreshToken":")" + refresh + R"(","scopes":"user:inference user:profile"}})");
    const ExchangeReport report = host.run();
    CHECK(report.refreshed);
    CHECK(host.login_works());
    CHECK(host.endpoint.requests().at(0).parameters.at("scope") == "user:inference user:profile");
    CHECK_FALSE(host.run().refreshed);
    CHECK(host.posts() == 1);
  }
}

TEST_CASE("a token of the far future is not refreshed") {
  Host host;
  for (const std::string expires : {"12307161600000", "1831000000000000"}) {
    host.home.write(
        "claude/.credentials.json",
        R"({"claudeAiOauth":{"accessToken":"a","refreshToken":"r","expiresAt":)" + expires + "}}");
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now() + 300 * 366 * 24h);
  }
  CHECK(host.posts() == 0);
}

TEST_CASE("a login without a refresh token is published until it expires, and causes no request") {
  Host host;
  const auto write = [&](const std::string& more) {
    host.home.write("claude/.credentials.json",
                    R"({"claudeAiOauth":{"accessToken":"setup-token")" + more + "}}");
  };
  const std::string soon = std::to_string((now() + 30s).time_since_epoch().count());
  for (const std::string& alive :
       {std::string(), std::string(R"(,"refreshToken":"")"), R"(,"refreshToken":null,"expiresAt":)" + soon}) {
    INFO(alive);
    write(alive);
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    REQUIRE(report.login);
    CHECK(report.login->files.at(0).content.reveal() == "setup-token");
    CHECK(report.login->expires_at > now());
    CHECK_FALSE(report.login->can_be_refreshed);
    host.request.force = Force::yes;
    const ExchangeReport forced = host.run();
    CHECK_FALSE(forced.failure);
    REQUIRE(forced.notices.size() == 1);
    CHECK_THAT(forced.notices[0], Catch::Contains("there is no refresh token"));
    host.request.force = Force::no;
  }
  write(R"(,"expiresAt":1795490906245)");
  const ExchangeReport ended = host.run();
  REQUIRE(ended.failure);
  CHECK(ended.failure->kind == FailureKind::login_required);
  CHECK_THAT(ended.failure->message, Catch::Contains("expired at"));
  CHECK_THAT(ended.failure->hint, Catch::Contains("log in again"));
  // Another such login is not the one that ended.
  host.home.write("claude/.credentials.json", R"({"claudeAiOauth":{"accessToken":"another"}})");
  const ExchangeReport renewed = host.run();
  REQUIRE(renewed.login);
  CHECK(renewed.login->request_hash != ended.failure->request_hash);
  CHECK(host.posts() == 0);
}

TEST_CASE("a login with nothing but a refresh token is refreshed") {
  Host host;
  host.home.write("claude/.credentials.json",
                  R"({"claudeAiOauth":{"refreshToken":")" + host.field("refreshToken") + R"("}})");
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK(report.login);
  CHECK(host.login_works());
}

TEST_CASE("the document's own client id is sent") {
  Host host;
  std::string document = host.document();
  document.insert(document.find("\"accessToken\""), R"("clientId":"client-of-the-document",)");
  host.home.write("claude/.credentials.json", document);
  host.endpoint.script(reply(400, R"({"error":"invalid_client"})"));
  (void)host.run();
  CHECK(host.endpoint.requests().at(0).parameters.at("client_id") == "client-of-the-document");
}

TEST_CASE("a refused refresh token is remembered, and no request is sent until the login changes") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_grant"})"));
  ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  host.request.known.history.dead_request_hash = report.failure->request_hash;
  report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK(report.failure->is_known);
  CHECK(host.posts() == 1);
  host.login(-60s);
  CHECK(host.run().refreshed);
}

TEST_CASE(
    "a refusal belongs to the whole request: another endpoint, client or scope is asked, and --force asks") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_grant"})"));
  host.request.provider.client_id = "mistyped";
  const ExchangeReport refused = host.run();
  REQUIRE(refused.failure);
  host.request.known.history.dead_request_hash = refused.failure->request_hash;
  host.request.known.history.failed_request_hash = refused.failure->request_hash;
  host.request.known.published.not_before = now() + 30s;
  const Profile profile = host.request.profile;
  const Provider provider = host.request.provider;
  const std::function<void(ExchangeRequest&)> changes[] = {
      [](ExchangeRequest& request) { request.provider.client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"; },
      [](ExchangeRequest& request) { request.provider.scope = ScopeRule::none; },
      [](ExchangeRequest& request) { request.profile.token_url += "?"; },
      [](ExchangeRequest& request) { request.force = Force::yes; }};
  size_t posts = host.posts();
  for (const auto& change : changes) {
    host.request.profile = profile;
    host.request.provider = provider;
    host.request.force = Force::no;
    CHECK(host.run().failure);
    CHECK(host.posts() == posts);
    change(host.request);
    host.endpoint.script(reply(503, ""));
    host.run();
    CHECK(host.posts() == ++posts);
  }
}

TEST_CASE("any failure starts a pause, in which it is reported again") {
  for (const FailureKind kind : {FailureKind::network, FailureKind::unknown, FailureKind::rejected}) {
    Host host;
    host.request.known.published.last_error = LastError{kind, "the first reason", "", now()};
    host.request.known.published.not_before = now() + 30s;
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK(report.failure->kind == kind);
    CHECK(report.failure->is_known);
    CHECK_THAT(report.failure->message, Catch::EndsWith(": the first reason"));
    CHECK(host.posts() == 0);
  }
}

TEST_CASE("a token that was obtained in the future is due, however long it seems to live") {
  Host host;
  host.login(8h);
  host.request.known.published.access_token_hash =
      fingerprint(Secret(std::string_view(host.field("accessToken"))));
  host.request.known.published.obtained_at = now() + 3h;
  CHECK(host.run().refreshed);
}

TEST_CASE("a lifetime that no token of this server has causes no request") {
  Host host;
  host.login(7h);
  host.request.known.history.token_life = 8h;
  host.request.min_ttl = 8h;
  CHECK_FALSE(host.run().refreshed);
  CHECK(host.posts() == 0);
  host.request.min_ttl = 7h + 30min;
  CHECK(host.run().refreshed);
}

TEST_CASE("a cool-down longer than any server can ask for comes from a clock that was set back") {
  Host host;
  host.request.known.published.not_before = now() + 30 * 24h;
  CHECK(host.run().refreshed);
}

TEST_CASE("a cool-down is respected, and a person may override it with a notice") {
  Host host;
  host.request.known.published.not_before = now() + 1h;
  CHECK(host.run().failure->kind == FailureKind::throttled);
  CHECK(host.posts() == 0);
  host.request.force = Force::yes;
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK(report.notices.size() == 1);
}

TEST_CASE("a login without write permission is replaced, and keeps its mode") {
  Host host;
  REQUIRE(::chmod(host.request.profile.credentials.c_str(), 0400) == 0);
  CHECK(host.run().refreshed);
  struct stat status;
  REQUIRE(::stat(host.request.profile.credentials.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0400);
  CHECK(host.login_works());
}

TEST_CASE("a login that cannot be parsed is reported with file and place, and nothing is sent") {
  Host host;
  const std::pair<std::string, const char*> documents[] = {
      {"", "is empty"},
      {"{", ":1:2: not JSON"},
      {"[]", "is not an object"},
      {R"({"claudeAiOauth":{"accessToken":"","refreshToken":""}})", "there is no token"},
      {R"({"claudeAiOauth":{"accessToken":1,"refreshToken":"r"}})",
       "/claudeAiOauth/accessToken: is not a string"},
      {R"({"claudeAiOauth":{"accessToken":"a","refreshToken":["r"]}})",
       "/claudeAiOauth/refreshToken: is not a string"},
      {std::string(R"({"claudeAiOauth":{"accessToken":"a","refr)") + std::string(9, '\0'),
       "ends in 9 NUL bytes"},
      {R"({"a":1,"a":2})", "duplicate key 'a'"},
      {std::string(100'000, '['), "nested deeper than 64 levels"},
      {std::string(5 * 1024 * 1024, ' '), "is larger than 4194304 bytes"},
  };
  for (const auto& [document, message] : documents) {
    host.home.write("claude/.credentials.json", document);
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->message, Catch::Contains(message));
    CHECK_THAT(report.failure->message, Catch::Contains(".credentials.json"));
    CHECK(host.document() == document);
  }
  CHECK(host.posts() == 0);
}

TEST_CASE("a login that is not a file is refused without blocking") {
  Host host;
  std::filesystem::remove(host.request.profile.credentials);
  CHECK_THAT(host.run().failure->message, Catch::Contains("No such file"));
  REQUIRE(::mkfifo(host.request.profile.credentials.c_str(), 0600) == 0);
  CHECK_THAT(host.run().failure->message, Catch::Contains("is a FIFO"));
  std::filesystem::remove(host.request.profile.credentials);
  std::filesystem::create_directory(host.request.profile.credentials);
  CHECK_THAT(host.run().failure->message, Catch::Contains("is a directory"));
}
