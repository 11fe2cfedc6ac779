// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_answer.h"

#include <string>

#include "support/catch.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

const Time answered = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

TokenAnswer answer(long status, std::string_view body, std::string retry_after = "") {
  return read_token_answer(
      {.status = status, .retry_after = std::move(retry_after), .date = "", .body = Secret(body)}, answered);
}

std::optional<Milliseconds> life(const std::string& expires_in) {
  return answer(200, R"({"access_token":"a","expires_in":)" + expires_in + "}").expires_in;
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

TEST_CASE("a lifetime is a number, however it is written, up to a thousand years") {
  CHECK(life("1") == Milliseconds(1s));
  CHECK(life("3600.0") == Milliseconds(1h));
  CHECK(life("3599.9") == Milliseconds(3599s));
  CHECK(life(R"("3600")") == Milliseconds(1h));
  CHECK(life("63072000") == Milliseconds(2 * 365 * 24h));
  for (const char* huge : {"1e300", "1e999", "9223372036854775807", "18446744073709551615", R"("1e300")"}) {
    CAPTURE(huge);
    CHECK(life(huge) == Milliseconds(1000 * 366 * 24h));
  }
  for (const char* unknown :
       {"true", "null", "[]", "{}", R"("soon")", R"("3600 s")", R"("nan")", R"("inf")", R"("")"}) {
    CAPTURE(unknown);
    CHECK(life(unknown) == std::nullopt);
  }
}

TEST_CASE("a lifetime of zero or less has already expired") {
  for (const char* over : {"0", "-1", "0.5", "-1e300", R"("-3600")"}) {
    CAPTURE(over);
    CHECK(life(over) == Milliseconds(0));
  }
}

TEST_CASE("the login's remaining lifetime is read if the answer contains it") {
  const auto end = [](const std::string& value) {
    return answer(200, R"({"access_token":"a","refresh_token_expires_in":)" + value + "}")
        .refresh_token_expires_in;
  };
  CHECK(end("2592000") == Milliseconds(30 * 24h));
  for (const char* none : {"0", "-1", "null", R"("never")"}) CHECK(end(none) == std::nullopt);
}

TEST_CASE(
    "a 200 that holds neither a token nor an error is unreadable, and its message holds no byte of it") {
  for (const char* body : {"", "<html>SECRET</html>", R"({"access_token":"SECRET","refresh_)",
                           R"({"access_token":17})", R"({"access_token":""})", R"(["SECRET"])",
                           R"({"data":{"access_token":"SECRET"}})", R"({"error":null})"}) {
    CAPTURE(body);
    const auto read = answer(200, body);
    CHECK(read.kind == AnswerKind::unreadable);
    CHECK(read.message == "200 without an access token");
    CHECK(read.access_token.empty());
  }
}

TEST_CASE("a token is what the answer holds, whatever its letters and its length") {
  CHECK(
      answer(200, R"({"access_token":")" + std::string(200'000, 'x') + "\"}").access_token.reveal().size() ==
      200'000);
  const std::pair<const char*, std::string_view> rows[] = {{"a\\nb", "a\nb"},
                                                           {"a\\u0000b", {"a\0b", 3}},
                                                           {"a\\u007fb",
                                                            "a\x7f"
                                                            "b"},
                                                           {"\\u00e9", "\xc3\xa9"},
                                                           {"\xc3\xa9", "\xc3\xa9"},
                                                           {" a b ", " a b "},
                                                           {"a\\r\\nX-Header: 1", "a\r\nX-Header: 1"}};
  for (const auto& [written, token] : rows) {
    CAPTURE(written);
    const auto read = answer(200, std::string(R"({"access_token":"a","refresh_token":")") + written + "\"}");
    CHECK(read.kind == AnswerKind::granted);
    CHECK(read.refresh_token.reveal() == token);
  }
}

TEST_CASE("a grant is read where its JSON is not as it should be") {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  const std::string rows[] = {R"({"access_token":"old","refresh_token":"r","access_token":"a"})",
                              R"({"access_token":"a","refresh_token":"r","more":)" + deep + "}",
                              "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"name\":\"M\xfcller\"}",
                              R"({"access_token":"a","refresh_token":"r","quota":1e999})",
                              "\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\"}\n\n",
                              R"({"access_token":"a","refresh_token":"r"}<script></script>)"};
  for (const std::string& body : rows) {
    CAPTURE(body);
    const auto read = answer(200, body);
    CHECK(read.kind == AnswerKind::granted);
    CHECK(read.access_token.reveal() == "a");
    CHECK(read.refresh_token.reveal() == "r");
  }
}

TEST_CASE("a further member of a grant is kept, but for one that is not UTF-8") {
  const auto kept = [](const std::string& value) {
    const auto read = read_token_answer({.status = 200,
                                         .retry_after = "",
                                         .date = "",
                                         .body = Secret("{\"access_token\":\"a\",\"more\":" + value + "}")},
                                        answered, {{"more", "/more"}});
    const auto more = read.values.find("/more");
    return more == read.values.end() ? "" : std::string(more->second.reveal());
  };
  CHECK(kept(R"({"name":"M\u00fcller","n":-0.5})") == "{\"name\":\"M\xc3\xbcller\",\"n\":-0.5}");
  CHECK(kept("\"M\xfcller\"").empty());
  CHECK(kept("null").empty());
}

TEST_CASE("a token of an unknown type is granted, with a notice that does not repeat the answer") {
  for (const char* known : {"Bearer", "bearer", "BEARER"}) {
    CHECK(answer(200, std::string(R"({"access_token":"a","token_type":")") + known + "\"}").notices.empty());
  }
  const auto read = answer(200, R"({"access_token":"a","token_type":"SECRET"})");
  CHECK(read.kind == AnswerKind::granted);
  REQUIRE(read.notices.size() == 1);
  CHECK_THAT(read.notices[0], Catch::Contains("not a Bearer token"));
  CHECK_THAT(read.notices[0], !Catch::Contains("SECRET"));
}

TEST_CASE("an error in a 200 is the refusal that it says") {
  const auto dead = answer(200, R"({"error":"invalid_grant"})");
  CHECK(dead.kind == AnswerKind::login_required);
  CHECK(dead.message == "200 invalid_grant");
  CHECK(answer(200, R"({"error":"invalid_scope"})").kind == AnswerKind::invalid_scope);
  const auto own = answer(200, R"({"error":"bad_refresh_token","error_description":"SECRET"})");
  CHECK(own.kind == AnswerKind::rejected);
  CHECK(own.error_code == "bad_refresh_token");
  CHECK(own.message == "200 with an error instead of a token");
  CHECK(answer(200, R"({"access_token":"a","error":"invalid_grant"})").kind == AnswerKind::granted);
}

TEST_CASE("a server's own error code is found where servers put it, and stays out of the message") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"error":"bad_refresh_token"})", "bad_refresh_token"},
      {R"({"error":{"code":"refresh_token_reused","message":"SECRET"}})", "refresh_token_reused"},
      {R"({"type":"error","error":{"type":"not_found_error"}})", "not_found_error"},
      {R"({"code":"token_expired","error":{"message":"SECRET"}})", "token_expired"},
      {R"({"error":{"code":400}})", ""},
      {R"({"error":"the token SECRET is bad"})", ""},
      {"<html>", ""}};
  for (const auto& [body, code] : rows) {
    CAPTURE(body);
    const auto read = answer(401, body);
    CHECK(read.kind == AnswerKind::rejected);
    CHECK(read.error_code == code);
    CHECK(read.message == "401");
  }
  CHECK(answer(400, R"({"error":")" + std::string(65, 'x') + "\"}").error_code.empty());
}

TEST_CASE("the server's clock comes with its answer") {
  const HttpReply reply = {.status = 200,
                           .retry_after = "",
                           .date = "Tue, 24 Nov 2026 12:02:00 GMT",
                           .body = Secret(std::string_view(R"({"access_token":"a"})"))};
  CHECK(read_token_answer(reply, answered).date == answered + 2min);
  CHECK(answer(200, "").date == std::nullopt);
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

TEST_CASE("other OAuth errors are distinguished and named") {
  CHECK(answer(400, R"({"error":"invalid_scope"})").kind == AnswerKind::invalid_scope);
  const auto client = answer(401, R"({"error":"invalid_client"})");
  CHECK(client.kind == AnswerKind::rejected);
  CHECK(client.message == "401 invalid_client");
  CHECK(answer(403, R"({"error":"unauthorized_client"})").kind == AnswerKind::rejected);
}

TEST_CASE("an error that is not an OAuth error code stays out of the message") {
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
