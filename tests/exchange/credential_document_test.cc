// SPDX-License-Identifier: Apache-2.0
#include "exchange/credential_document.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

const CredentialFields fields = {.access_token = "/oauth/0/access",
                                 .refresh_token = "/oauth/0/refresh~1token",
                                 .expires_at = "/oauth/0/expires",
                                 .scopes = "",
                                 .login_expires_at = "",
                                 .client_id = "",
                                 .unit = TimeUnit::milliseconds};

// With everything in it that a rewriting through numbers, escapes and indentation would change.
std::string a_document(std::string_view access, std::string_view refresh, std::string_view expires) {
  std::string text =
      "\t{\n    \"n\": [1.0, 1e2, 12345678901234567890123, 0.1234567890123456789],\n"
      "  \"\\u00e4\\/\" :{\"refresh\\/token\":\"other\"},\"oauth\":[ {\"expires\" :EXPIRES , \r\n"
      "\"access\":\"ACCESS\"\t,\"refresh/token\":\n\n\"REFRESH\",\"x\":\"\\u0041\"},{\"access\":\"0\"}]}\n\n";
  for (const auto& [word, value] : {std::pair{"EXPIRES", expires}, {"ACCESS", access}, {"REFRESH", refresh}})
    text.replace(text.find(word), std::string_view(word).size(), value);
  return text;
}

CredentialDocument parsed(const std::string& text) {
  auto document = CredentialDocument::parse(Secret(std::string_view(text)), "login", fields);
  INFO((document ? "" : document.error().message));
  REQUIRE(document);
  return std::move(*document);
}

Time at(std::int64_t milliseconds) {
  return Time(Milliseconds(milliseconds));
}

}  // namespace

TEST_CASE("a grant changes three values, and not one other byte") {
  CredentialDocument document = parsed(a_document("old-access", "old-refresh", "1790000000000"));
  const Grant grant = {
      Secret(std::string_view("new-access")), Secret(std::string_view("new")), at(1800000000000), {}, {}};
  CHECK(document.with(grant, fields).reveal() == a_document("new-access", "new", "1800000000000"));
  CHECK(document.login().refresh_token.reveal() == "new");
}

TEST_CASE("without a new refresh token the old one stays") {
  CredentialDocument document = parsed(a_document("old-access", "old-refresh", "1790000000000"));
  const Grant grant = {Secret(std::string_view("new-access")), Secret(), at(1800000000000), {}, {}};
  CHECK(document.with(grant, fields).reveal() == a_document("new-access", "old-refresh", "1800000000000"));
  CHECK(document.login().refresh_token.reveal() == "old-refresh");
}

TEST_CASE("a second grant builds on the first") {
  CredentialDocument document = parsed(a_document("a", "r", "1790000000000"));
  (void)document.with(
      {Secret(std::string_view("b")), Secret(std::string_view("s")), at(1800000000000), {}, {}}, fields);
  const Grant second = {Secret(std::string_view("c")), Secret(), at(1810000000000), {}, {}};
  CHECK(document.with(second, fields).reveal() == a_document("c", "s", "1810000000000"));
}

TEST_CASE("a token that JSON must escape reads back as it was granted") {
  CredentialDocument document = parsed(a_document("a", "r", "1790000000000"));
  const Grant grant = {Secret(std::string_view("quote\"and\\")), Secret(), at(1800000000000), {}, {}};
  const auto again = CredentialDocument::parse(document.with(grant, fields), "login", fields);
  REQUIRE(again);
  CHECK(again->login().access_token.reveal() == "quote\"and\\");
}

TEST_CASE("a login is read in the formats that documents have, and an invalid time counts as unknown") {
  const auto login_with = [](std::string_view expires) {
    return parsed(a_document("access", "refresh", expires)).login().expires_at;
  };
  for (const char* unknown :
       {"null", "0", "1", "-1", "\"soon\"", "\"2026-11-24\"", "true", "{}", "1795490906", "-1e300"}) {
    CAPTURE(unknown);
    CHECK(login_with(unknown) == std::nullopt);
  }
  CHECK(login_with("1795490906245") == at(1795490906245));
  CHECK(login_with("12307161600000") == at(12307161600000));  // the year 2360
  CHECK(login_with("1e300") == end_of_time);
}

TEST_CASE("a refresh adds what its document lacked, and keeps its layout") {
  CredentialFields where = fields;
  where.login_expires_at = "/oauth/0/ends";
  const std::pair<std::string, std::string> rows[] = {
      {R"({"oauth":[{"access":"a","refresh/token":"r"}]})",
       R"({"oauth":[{"access":"b","refresh/token":"s","expires":1800000000000,"ends":1810000000000}]})"},
      {"{\r\n\t\"oauth\": [{\r\n\t\t\"refresh/token\": \"r\"\r\n\t}]\r\n}\r\n",
       "{\r\n\t\"oauth\": [{\r\n\t\t\"refresh/token\": \"s\",\r\n\t\t\"access\": \"b\",\r\n\t\t"
       "\"expires\": 1800000000000,\r\n\t\t\"ends\": 1810000000000\r\n\t}]\r\n}\r\n"},
      {R"({"oauth":[{"access":null,"refresh/token":"r","expires":"soon","ends":0}]})",
       R"({"oauth":[{"access":"b","refresh/token":"s","expires":1800000000000,"ends":1810000000000}]})"}};
  for (const auto& [before, after] : rows) {
    CAPTURE(before);
    auto document = CredentialDocument::parse(Secret(std::string_view(before)), "login", where);
    REQUIRE(document);
    CHECK(document->login().expires_at == std::nullopt);
    const Grant grant = {Secret(std::string_view("b")),
                         Secret(std::string_view("s")),
                         at(1800000000000),
                         {},
                         at(1810000000000)};
    CHECK(document->with(grant, where).reveal() == after);
  }
}

TEST_CASE("a byte order mark stays") {
  const std::string mark = "\xef\xbb\xbf";
  CredentialDocument document = parsed(mark + a_document("a", "r", "1790000000000"));
  const Grant grant = {
      Secret(std::string_view("b")), Secret(std::string_view("s")), at(1800000000000), {}, {}};
  CHECK(document.with(grant, fields).reveal() == mark + a_document("b", "s", "1800000000000"));
  CredentialDocument bare = parsed(mark + R"({"oauth":[{"refresh/token":"r"}]})");
  CHECK(bare.with(grant, fields).reveal() ==
        mark + R"({"oauth":[{"refresh/token":"s","access":"b","expires":1800000000000}]})");
}

TEST_CASE("a login without a refresh token is valid until its access token expires") {
  for (const char* refresh : {"", R"(,"refresh/token":"")", R"(,"refresh/token":null)"}) {
    CAPTURE(refresh);
    const CredentialDocument document =
        parsed(std::string(R"({"oauth":[{"access":"a","expires":1800000000000)") + refresh + "}]}");
    CHECK(document.login().access_token.reveal() == "a");
    CHECK(document.login().refresh_token.empty());
    CHECK(document.login().login_expires_at == at(1800000000000));
  }
}

TEST_CASE("a document without any token is a dead login") {
  for (const char* text : {"{}", R"({"oauth":[{"access":"","refresh/token":"","expires":0}]})",
                           R"({"oauth":[{"access":null,"refresh/token":null}]})"}) {
    CAPTURE(text);
    const auto document = CredentialDocument::parse(Secret(std::string_view(text)), "login", fields);
    REQUIRE_FALSE(document);
    CHECK(document.error().kind == ErrorKind::action_required);
  }
}

TEST_CASE("scopes are an array or one string of words, and are narrowed in the same form") {
  CredentialFields where = fields;
  where.scopes = "/scopes";
  const auto narrowed = [&](const std::string& scopes, std::vector<std::string> granted) {
    auto document = CredentialDocument::parse(
        Secret(R"({"scopes":)" + scopes + R"(,"oauth":[{"refresh/token":"r"}]})"), "login", where);
    REQUIRE(document);
    CHECK(document->login().scopes == std::vector<std::string>{"a", "b"});
    const Grant grant = {Secret(std::string_view("x")), Secret(), at(1800000000000), std::move(granted), {}};
    const std::string text(document->with(grant, where).reveal());
    return text.substr(0, text.find(R"(,"oauth")"));
  };
  CHECK(narrowed(R"(["a","b"])", {"b"}) == R"({"scopes":["b"])");
  CHECK(narrowed(R"("a  b ")", {"b"}) == R"({"scopes":"b")");
  using Words = std::vector<std::string>;
  for (const Words& as_before : {Words{}, Words{"a", "b"}, Words{"b", "c", "a"}})
    CHECK(narrowed(R"(["a", "b"])", as_before) == R"({"scopes":["a", "b"])");
}

TEST_CASE("the end of a login is lowered only, or set, as the provider says") {
  CredentialFields where = fields;
  where.login_expires_at = "/ends";
  const auto end_after = [&](LoginEndRule rule, Time end) {
    where.login_end = rule;
    auto document = CredentialDocument::parse(
        Secret(std::string_view(R"({"ends":1805000000000,"oauth":[{"refresh/token":"r"}]})")), "login",
        where);
    REQUIRE(document);
    (void)document->with({Secret(std::string_view("x")), Secret(), at(1800000000000), {}, end}, where);
    return document->login().login_expires_at;
  };
  CHECK(end_after(LoginEndRule::lowered, at(1804000000000)) == at(1804000000000));
  CHECK(end_after(LoginEndRule::lowered, at(1806000000000)) == at(1805000000000));
  CHECK(end_after(LoginEndRule::set, at(1806000000000)) == at(1806000000000));
}

TEST_CASE("NULs after a power failure are reported, with a command that repairs a complete document") {
  const auto error_of = [](const std::string& text) {
    const auto document = CredentialDocument::parse(Secret(std::string_view(text)), "/login", fields);
    REQUIRE_FALSE(document);
    return document.error();
  };
  const std::string whole = a_document("a", "r", "1790000000000"), nuls(100, '\0');
  CHECK_THAT(error_of(whole + nuls).message, Catch::Contains("ends in 100 NUL bytes"));
  CHECK(error_of(whole + nuls).hint == "truncate -s " + std::to_string(whole.size()) + " /login");
  CHECK_THAT(error_of(nuls).message, Catch::Contains("ends in 100 NUL bytes"));
  CHECK_THAT(error_of(nuls).hint, Catch::Contains("log in again"));
  CHECK_THAT(error_of(whole.substr(0, 50) + nuls).hint, Catch::Contains("log in again"));
}

TEST_CASE("a token that an HTTP header cannot contain is reported, and the login is still valid") {
  for (const char* token : {"a\nb", "a\tb",
                            "a\x7f"
                            "b"}) {
    CAPTURE(token);
    const auto usable = check_usable(Secret(std::string_view(token)));
    REQUIRE_FALSE(usable);
    CHECK_THAT(usable.error().message, Catch::Contains("byte 2 "));
  }
  CHECK_FALSE(check_usable(Secret(std::string(64 * 1024 + 1, 'x'))));
  for (const char* token : {"a b", "\xc3\xa9", "sk-ant-oat01-a/b+c="})
    CHECK(check_usable(Secret(std::string_view(token))));
}
TEST_CASE("a secret of the login is not delivered under any key, and not within any text") {
  constexpr std::string_view secret = "a refresh token of some length";
  const CredentialFields own = {.access_token = "/a",
                                .refresh_token = "/r",
                                .expires_at = "",
                                .scopes = "",
                                .login_expires_at = "",
                                .client_id = "",
                                .client_secret = "/s"};
  auto document = CredentialDocument::parse(
      Secret(
          std::string_view(R"({"a": "token", "r": "a refresh token of some length", "s": "a client's secret",
          "copy": "a refresh token of some length", "within": {"x": ["Bearer a refresh token of some length!"]},
          "key": {"a refresh token of some length": 1}, "hidden": {"idpRefreshToken": "another"},
          "other": {"refresh": "another"}, "secret": "a client's secret", "ours": "from a file", "fine": "text"})")),
      "login", own);
  REQUIRE(document);
  const DeliveredFile file = {
      .name = "f",
      .fields = {"/a", "/copy", "/within", "/key", "/hidden", "/other", "/secret", "/ours", "/fine"},
      .moved = {{"/moved/refresh_token", "/fine"}, {"/moved/x", "/copy"}, {"/moved/a", "/a"}},
      .constants = {{"/r", ""}, {"/mode", "m"}, {"/c", std::string(secret)}}};
  CHECK(document->delivered({file}, Secret(std::string_view("from a file"))).back().content.reveal() ==
        R"({"a":"token","fine":"text","moved":{"a":"token"},"r":"","mode":"m"})");
}

TEST_CASE("an expiry is the document's, else the token's own, else the one that was published") {
  CredentialFields jwt = fields;
  jwt.format = TokenFormat::jwt;
  const auto expiry = [&](const std::string& text) {
    auto document = CredentialDocument::parse(Secret(std::string_view(text)), "login", jwt);
    REQUIRE(document);
    return document->login().expires_at;
  };
  const std::string token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4OTM0NTYwMDB9.";  // {"exp":1893456000}
  const auto of_token = [](const std::string& access, const std::string& more) {
    return R"({"oauth": [{"access": ")" + access + R"(", "refresh/token": "r")" + more + "}]}";
  };
  CHECK(expiry(of_token(token, "")) == Time(std::chrono::seconds(1893456000)));
  CHECK(expiry(of_token(token, R"(, "expires": 1795608000000)")) == Time(std::chrono::seconds(1795608000)));
  CHECK_FALSE(expiry(of_token("not.a.jwt", "")));

  const std::string opaque = of_token("opaque", "");
  auto document = CredentialDocument::parse(Secret(std::string_view(opaque)), "login", fields);
  REQUIRE(document);
  document->complete(Secret(std::string_view("another")), Time(std::chrono::seconds(1795608000)));
  CHECK(document->login().access_token.reveal() == "opaque");
  CHECK(document->login().expires_at == Time(std::chrono::seconds(1795608000)));
}

TEST_CASE("a grant's further values are written where they belong, and everything else stays") {
  auto document = CredentialDocument::parse(
      Secret(std::string_view(
          R"({ "oauth": [{"access": "a", "refresh/token": "r", "expires": "2020-01-01T00:00:00.5+01:00"}],
  "id": "old", "other": 1.50 })")),
      "login", fields);
  REQUIRE(document);
  Grant grant = {Secret(std::string_view("A")),
                 Secret(std::string_view("R")),
                 Time(std::chrono::seconds(1795608000)),
                 {},
                 {}};
  grant.values.emplace("/id", Secret(std::string_view("\"new\"")));
  CHECK(document->with(grant, fields).reveal() ==
        R"({ "oauth": [{"access": "A", "refresh/token": "R", "expires": "2026-11-25T13:00:00.0+01:00"}],
  "id": "new", "other": 1.50 })");
}
