// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_answer.h"

#include <string>

#include "support/catch.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

const Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

TokenAnswer answer(long status, std::string_view body, std::string retry_after = "") {
  return read_token_answer(
      {.status = status, .retry_after = std::move(retry_after), .date = "", .body = Secret(body)}, noon);
}

std::optional<Milliseconds> life(const std::string& expires_in) {
  return answer(200, R"({"access_token":"a","expires_in":)" + expires_in + "}").expires_in;
}

AnswerKind kind_of_token(const std::string& token) {
  return answer(200, R"({"access_token":")" + token + "\"}").kind;
}

}  // namespace

TEST_CASE("a grant is read whole") {
  const auto read = answer(200, R"({"access_token":"new access","refresh_token":"new refresh",
    "token_type":"Bearer","expires_in":28800,"scope":"user:inference  user:profile ","account":{"id":1}})");
  CHECK(read.kind == AnswerKind::granted);
  CHECK(read.message == "200");
  CHECK(read.access_token.reveal() == "new access");
  CHECK(read.refresh_token.reveal() == "new refresh");
  CHECK(read.expires_in == Milliseconds(8h));
  CHECK(read.scopes == std::vector<std::string>{"user:inference", "user:profile"});
}

TEST_CASE("a grant needs nothing but the access token") {
  for (const char* body : {R"({"access_token":"a"})",
                           R"({"access_token":"a","refresh_token":null,"scope":null,"expires_in":null})",
                           R"({"access_token":"a","refresh_token":"","scope":"","expires_in":""})",
                           R"({"access_token":"a","refresh_token":[1],"scope":["x"],"expires_in":{}})"}) {
    CAPTURE(body);
    const auto read = answer(200, body);
    CHECK(read.kind == AnswerKind::granted);
    CHECK(read.refresh_token.empty());
    CHECK(read.scopes.empty());
    CHECK(read.expires_in == std::nullopt);
  }
}

TEST_CASE("a lifetime is a number between a second and a year, however it is written") {
  CHECK(life("1") == Milliseconds(1s));
  CHECK(life("3600.0") == Milliseconds(1h));
  CHECK(life("3599.9") == Milliseconds(3599s));
  CHECK(life(R"("3600")") == Milliseconds(1h));
  CHECK(life("31622400") == Milliseconds(366 * 24h));
  for (const char* absurd :
       {"0", "-1", "0.5", "31622401", "1e300", "9223372036854775807", "18446744073709551615", "true", "[]",
        R"("soon")", R"("3600 s")", R"("nan")", R"("inf")", R"("")"}) {
    CAPTURE(absurd);
    CHECK(life(absurd) == std::nullopt);
  }
}

TEST_CASE("a 200 that holds no token is unreadable, and its message holds no byte of it") {
  for (const char* body : {"", "<html>SECRET</html>", R"({"access_token":"SECRET","refresh_)",
                           R"({"access_token":17})", R"({"access_token":""})", R"(["SECRET"])",
                           R"({"data":{"access_token":"SECRET"}})", R"({"error":"invalid_grant"})"}) {
    CAPTURE(body);
    const auto read = answer(200, body);
    CHECK(read.kind == AnswerKind::unreadable);
    CHECK(read.message == "200 without an access token");
    CHECK(read.access_token.empty());
  }
}

TEST_CASE("a token is printable ASCII of at most 16 KiB") {
  CHECK(kind_of_token(std::string(16 * 1024, 'x')) == AnswerKind::granted);
  CHECK(kind_of_token(std::string(16 * 1024 + 1, 'x')) == AnswerKind::unreadable);
  for (const char* escaped : {"a\\nb", "a\\u0000b", "a\\u007fb", "\\u00e9", "a\\rX-Header: 1"}) {
    CAPTURE(escaped);
    CHECK(kind_of_token(escaped) == AnswerKind::unreadable);
  }
}

TEST_CASE("invalid_grant ends a login where the authorization server says it") {
  for (const long status : {400L, 401L, 403L}) {
    const auto read = answer(status, R"({"error":"invalid_grant","error_description":"SECRET"})");
    CHECK(read.kind == AnswerKind::login_required);
    CHECK(read.message == std::to_string(status) + " invalid_grant");
  }
}

TEST_CASE("invalid_grant anywhere else ends no login") {
  const char* const top_level = R"({"error":"invalid_grant"})";
  CHECK(answer(404, top_level).kind == AnswerKind::rejected);
  CHECK(answer(429, top_level).kind == AnswerKind::throttled);
  CHECK(answer(500, top_level).kind == AnswerKind::server_error);
  CHECK(answer(302, top_level).kind == AnswerKind::server_error);
  CHECK(answer(400, R"({"error":{"type":"invalid_grant"}})").kind == AnswerKind::rejected);
  CHECK(answer(400, R"({"detail":{"error":"invalid_grant"}})").kind == AnswerKind::rejected);
  CHECK(answer(400, R"({"error":"INVALID_GRANT"})").kind == AnswerKind::rejected);
  CHECK(answer(400, R"({"error":"invalid_grant")").kind == AnswerKind::rejected);
}

TEST_CASE("other OAuth errors are told apart and named") {
  CHECK(answer(400, R"({"error":"invalid_scope"})").kind == AnswerKind::invalid_scope);
  const auto client = answer(401, R"({"error":"invalid_client"})");
  CHECK(client.kind == AnswerKind::rejected);
  CHECK(client.message == "401 invalid_client");
  CHECK(answer(403, R"({"error":"unauthorized_client"})").kind == AnswerKind::rejected);
}

TEST_CASE("an error that is no OAuth error code stays out of the message") {
  for (const char* body : {R"({"error":"SECRET"})", R"({"error":{"message":"SECRET"}})", "SECRET", ""}) {
    CAPTURE(body);
    const auto read = answer(400, body);
    CHECK(read.kind == AnswerKind::rejected);
    CHECK(read.message == "400");
  }
}

TEST_CASE("throttled: 429, and a 403 that no authorization server wrote") {
  const auto limited = answer(429, R"({"error":{"type":"rate_limit_error"}})", "60");
  CHECK(limited.kind == AnswerKind::throttled);
  CHECK(limited.message == "429, retry after 60 s");
  CHECK(limited.retry_after == Milliseconds(60s));

  const auto challenge = answer(403, "<html>Just a moment…</html>");
  CHECK(challenge.kind == AnswerKind::throttled);
  CHECK(challenge.message == "403");
  CHECK(challenge.retry_after == std::nullopt);
}

TEST_CASE("a server's failure says when to come back") {
  const auto unavailable = answer(503, "", "Tue, 24 Nov 2026 12:02:00 GMT");
  CHECK(unavailable.kind == AnswerKind::server_error);
  CHECK(unavailable.message == "503, retry after 120 s");
  CHECK(unavailable.retry_after == Milliseconds(2min));
  CHECK(answer(500, "").message == "500");
}

TEST_CASE("a redirect is refused") {
  const auto redirect = answer(307, "");
  CHECK(redirect.kind == AnswerKind::server_error);
  CHECK(redirect.message == "307, redirect refused");
}

}  // namespace oci_oauth
