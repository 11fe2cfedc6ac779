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
                                 .unit = ExpiryUnit::milliseconds};

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
  const Grant grant = {Secret(std::string_view("new-access")), Secret(std::string_view("new")),
                       at(1800000000000)};
  CHECK(document.with(grant, fields).reveal() == a_document("new-access", "new", "1800000000000"));
  CHECK(document.login().refresh_token.reveal() == "new");
}

TEST_CASE("without a new refresh token the old one stays") {
  CredentialDocument document = parsed(a_document("old-access", "old-refresh", "1790000000000"));
  const Grant grant = {Secret(std::string_view("new-access")), Secret(), at(1800000000000)};
  CHECK(document.with(grant, fields).reveal() == a_document("new-access", "old-refresh", "1800000000000"));
  CHECK(document.login().refresh_token.reveal() == "old-refresh");
}

TEST_CASE("a second grant builds on the first") {
  CredentialDocument document = parsed(a_document("a", "r", "1790000000000"));
  (void)document.with({Secret(std::string_view("b")), Secret(std::string_view("s")), at(1800000000000)},
                      fields);
  const Grant second = {Secret(std::string_view("c")), Secret(), at(1810000000000)};
  CHECK(document.with(second, fields).reveal() == a_document("c", "s", "1810000000000"));
}

TEST_CASE("a token that JSON must escape reads back as it was granted") {
  CredentialDocument document = parsed(a_document("a", "r", "1790000000000"));
  const Grant grant = {Secret(std::string_view("quote\"and\\")), Secret(), at(1800000000000)};
  const auto again = CredentialDocument::parse(document.with(grant, fields), "login", fields);
  REQUIRE(again);
  CHECK(again->login().access_token.reveal() == "quote\"and\\");
}
