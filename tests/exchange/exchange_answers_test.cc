// SPDX-License-Identifier: Apache-2.0
// What comes of each answer of a token endpoint, and of none.
#include "exchange/exchange.h"

#include <ctime>
#include <filesystem>

#include "exchange/exchange_host.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using test::Ending;
using test::Reply;
using test::Stage;
using test::Step;
using Host = test::ExchangeHost;
using test::reply;

TEST_CASE("each answer has its outcome, and the login on disk is still the right one") {
  struct Row {
    const char* name;
    Step step;
    FailureKind kind;
    size_t posts;
    const char* message;
  };
  const std::string page = "<html>challenge sk-ant-ort01-echo</html>";
  const Row rows[] = {
      {"401", reply(401, "{}"), FailureKind::rejected, 1, "token endpoint: 401"},
      {"invalid_client", reply(400, R"({"error":"invalid_client"})"), FailureKind::rejected, 1,
       "token endpoint: 400 invalid_client"},
      {"invalid_grant", reply(400, R"({"error":"invalid_grant"})"), FailureKind::login_required, 1,
       "token endpoint: 400 invalid_grant"},
      {"403 page", reply(403, page), FailureKind::throttled, 1, "token endpoint: 403"},
      {"429", reply(429, "", {{"Retry-After", "60"}}), FailureKind::throttled, 1,
       "token endpoint: 429, retry after 60 s"},
      {"429 until a date", reply(429, "", {{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}}),
       FailureKind::throttled, 1, "token endpoint: 429, retry after 86400 s"},
      {"500", reply(500, page), FailureKind::server, 1, "token endpoint: 500"},
      {"503", reply(503, ""), FailureKind::server, 1, "token endpoint: 503"},
      {"redirect", reply(307, "", {{"Location", "https://localhost:1/"}}), FailureKind::server, 1,
       "token endpoint: 307, redirect refused"},
      {"200 page", reply(200, page), FailureKind::unknown, 1, "token endpoint: 200 without an access token"},
      {"200 without access_token", reply(200, R"({"refresh_token":"x"})"), FailureKind::unknown, 1,
       "token endpoint: 200 without an access token"},
      {"10 MiB",
       {.reply = Reply{200, {}, "{}"}, .pad_to = 10 << 20},
       FailureKind::unknown,
       1,
       "the answer is larger than 1048576 bytes"},
      {"truncated",
       {.ending = Ending::truncate, .reply = Reply{200, {}, page}},
       FailureKind::unknown,
       1,
       "the answer is incomplete"},
      {"reset before the request",
       {.at = Stage::accepted, .ending = Ending::reset},
       FailureKind::network,
       0,
       "connect to localhost:"},
      {"reset after the request",
       {.at = Stage::received, .ending = Ending::reset},
       FailureKind::unknown,
       1,
       "no answer from localhost:"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Host host;
    const std::string before = host.document();
    host.endpoint.script(row.step);
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK(word(report.failure->kind) == word(row.kind));
    CHECK_THAT(report.failure->message, Catch::StartsWith(row.message));
    CHECK(host.posts() == row.posts);
    CHECK(host.document() == before);
    CHECK(host.login_works());
  }
}

TEST_CASE("an answer that leaves things out is a success") {
  for (const char* missing : {"refresh_token", "expires_in", "scope"}) {
    INFO(missing);
    Host host;
    host.endpoint.script({.omit = {missing}});
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    CHECK(host.login_works());
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now());
  }
}

TEST_CASE("an expires_in that is not a number is taken for an hour") {
  for (const char* value : {"\"soon\"", "null", "[]"}) {
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now());
    CHECK(report.login->expires_at < now() + 2h);
  }
}

TEST_CASE("a token that has already expired when it is granted is due at once, and reported") {
  for (const char* value : {"0", "-1", "\"-3600\""}) {
    INFO(value);
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    CHECK(report.refreshed);
    CHECK(host.login_works());
    REQUIRE(report.login);
    CHECK(report.login->expires_at <= now());
    REQUIRE(report.notices.size() == 1);
    CHECK_THAT(report.notices[0], Catch::Contains("has already expired"));
  }
}

TEST_CASE("a token that is valid for years is not refreshed earlier") {
  for (const char* value : {"63072000", "1e300", "1e999"}) {
    INFO(value);
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now() + 366 * 24h);
    CHECK_FALSE(host.run().refreshed);
    CHECK(host.posts() == 1);
  }
}

TEST_CASE("a token endpoint's odd token is kept as it came") {
  for (const char* token : {"a\\nb", "\xc3\xa9", "a b", "a\\u0000b"}) {
    INFO(token);
    Host host;
    host.endpoint.script({.members = {{"refresh_token", '"' + std::string(token) + '"'}}});
    CHECK(host.run().refreshed);
    const auto expected = parse_json('"' + std::string(token) + '"', "token");
    REQUIRE(expected);
    CHECK(host.field("refreshToken") == json_text(*expected));
  }
}

TEST_CASE("invalid_scope is asked once more without a scope") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_scope"})"));
  CHECK(host.run().refreshed);
  const auto requests = host.endpoint.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].parameters.count("scope") == 0);
  CHECK(host.login_works());
}

TEST_CASE("an endpoint that is not there leaves the login alone and says so") {
  Host host;
  host.request.profile.token_url = "https://nonexistent.invalid/token";
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::network);
  CHECK(host.login_works());
}

TEST_CASE("where this clock is ahead of the server's, a token expires by the server's") {
  Host host;
  const std::time_t before = ::time(nullptr) - 3 * 3600;
  char date[64];
  REQUIRE(std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&before)) != 0);
  host.endpoint.script(
      reply(200, R"({"access_token":"a","refresh_token":"r","expires_in":28800})", {{"Date", date}}));
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  CHECK(report.login->expires_at < now() + 5h + 1min);
  CHECK(report.login->expires_at > now() + 4h);
}

TEST_CASE("a code that the provider calls terminal ends a login, wherever the answer has it, and is named") {
  for (const char* body : {R"({"error":{"code":"refresh_token_reused","message":"sk-ant-x"}})",
                           R"({"error":"refresh_token_reused"})", R"({"code":"refresh_token_reused"})"}) {
    for (const int status : {200, 400, 401, 403}) {
      if (status == 200 && std::string_view(body).starts_with(R"({"code)")) continue;  // says no error
      INFO(status << " " << body);
      Host host;
      host.request.provider.terminal_errors = {"invalid_grant", "refresh_token_reused"};
      host.endpoint.script(reply(status, body));
      const ExchangeReport report = host.run();
      REQUIRE(report.failure);
      CHECK(report.failure->kind == FailureKind::login_required);
      CHECK_THAT(report.failure->message, Catch::EndsWith("refresh_token_reused"));
    }
  }
  Host host;
  host.endpoint.script(reply(401, R"({"error":{"code":"refresh_token_reused"}})"));
  CHECK(host.run().failure->kind == FailureKind::rejected);
}

TEST_CASE("a login that oci-oauth makes itself is to be made again with it once it is refused or missing") {
  Host host;
  host.request.profile.issuer = "https://example.org";
  host.request.provider.login_command.clear();
  host.endpoint.script(reply(400, R"({"error":"invalid_grant"})"));
  const std::string hint = "oci-oauth login " + host.request.profile.name;
  CHECK(host.run().failure->hint == hint);
  REQUIRE(std::filesystem::remove(host.request.profile.credentials));
  CHECK(host.run().failure->hint == hint);
  host.request.profile.in_fleet = true;
  CHECK(host.run().failure->hint != hint);
}

TEST_CASE("narrower scopes and an earlier end of the login are written back") {
  Host host;
  const std::string end = std::to_string((now() + 720h).time_since_epoch().count());
  std::string document = host.document();
  if (document.find("refreshTokenExpiresAt") == std::string::npos)
    document.insert(document.find("\"accessToken\""), R"("refreshTokenExpiresAt":)" + end + ",");
  host.home.write("claude/.credentials.json", document);
  host.endpoint.script({.members = {{"scope", R"("user:inference")"}, {"refresh_token_expires_in", "3600"}}});
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  REQUIRE(report.login->login_expires_at);
  CHECK(*report.login->login_expires_at < now() + 2h);
  CHECK_THAT(host.document(), Catch::Contains(R"(["user:inference"])"));
  host.login(-60s);
}

TEST_CASE("a token that a header cannot contain is not published, and its login is kept") {
  Host host;
  host.endpoint.script({.members = {{"access_token", R"("a\nb")"}}});
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login);
  CHECK_THAT(report.failure->message, Catch::Contains("the access token cannot be used"));
  CHECK_FALSE(report.login);
  CHECK(host.login_works());
  CHECK(host.field("accessToken") == "a\nb");
  CHECK_FALSE(host.run().refreshed);
  CHECK(host.posts() == 1);
  host.request.force = Force::yes;
  CHECK(host.run().login);
}

TEST_CASE("an answer that is whole counts, however the connection ends") {
  Host host;
  host.endpoint.script({.ending = Ending::truncate, .pad_to = 4096});
  const ExchangeReport report = host.run();
  CHECK_FALSE(report.failure);
  CHECK(report.refreshed);
  CHECK(host.login_works());
}
