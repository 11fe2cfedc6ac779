// SPDX-License-Identifier: Apache-2.0
#include "delivery/document.h"

#include "base/fingerprint.h"
#include "support/catch.h"

using namespace oci_oauth;

namespace {

const WrittenFile whole = {.name = "token", .refresh_token = "/anthropic/refresh"};
const WrittenFile claude = {.name = ".credentials.json",
                            .member = "/claudeAiOauth",
                            .access_token = "/claudeAiOauth/accessToken",
                            .refresh_token = "/claudeAiOauth/refreshToken"};
const Secret published(std::string_view(R"({"claudeAiOauth":{"accessToken":"new","scopes":["a"]}})"));
const Fingerprints known = {fingerprint("old")};

Content content_of(std::string_view text) {
  return judge(text, claude, &published, known).content;
}

std::string why(std::string_view text) {
  return judge(text, claude, &published, known).why;
}

}  // namespace

TEST_CASE("a refresh token is found at any depth, in broken JSON too, and an empty one does not count") {
  CHECK(holds_refresh_token(R"({"mcpOAuth":[{"x":{"refreshToken":"r"}}]})"));
  CHECK(holds_refresh_token(R"({"refresh_token":"r"})"));
  CHECK(holds_refresh_token(R"({"refreshToken":"r")"));
  CHECK(holds_refresh_token(R"({"\u0072efreshToken":"r"})"));
  CHECK_FALSE(holds_refresh_token(R"({"claudeAiOauth":{"refreshToken":"","accessToken":"a"}})"));
}

TEST_CASE("the provider's own key for the refresh token counts too") {
  const std::string login = R"({"anthropic":{"type":"oauth","renewal":"r","access":"a"}})";
  CHECK(holds_refresh_token(login, "/anthropic/renewal"));
  CHECK_FALSE(holds_refresh_token(login));
  CHECK(judge(R"({"anthropic":{"refresh":"r"}})", whole, nullptr, {}).why == "contains a refresh token");
}

TEST_CASE("a whole file is ours if we wrote it, and nothing else is") {
  CHECK(judge("old", whole, &published, known).content == Content::ours);
  CHECK(judge("glpat-x", whole, &published, known).content == Content::foreign);
  CHECK(judge(" \n", whole, &published, known).content == Content::blank);
}

TEST_CASE("our member is ours by its access token, whatever a client has put around it") {
  CHECK(content_of(published.reveal()) == Content::current);
  CHECK(content_of(
            R"({"mcpOAuth":{"refreshToken":"r"},"claudeAiOauth":{"scopes":["a"],"accessToken":"new"}})") ==
        Content::current);
  CHECK(content_of(R"({"claudeAiOauth":{"accessToken":"old","seen":1},"mcpOAuth":{}})") == Content::ours);
  CHECK(content_of(R"({"claudeAiOauth":{"accessToken":"new","seen":1}})") == Content::ours);
}

TEST_CASE("what a client emptied or removed belongs to nobody") {
  CHECK(content_of("") == Content::blank);
  CHECK(content_of("{}") == Content::blank);
  CHECK(content_of(R"({"mcpOAuth":{"refreshToken":"r"}})") == Content::blank);
  CHECK(content_of(R"({"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}})") ==
        Content::blank);
  CHECK(content_of(R"({"claudeAiOauth":null})") == Content::blank);
}

TEST_CASE("a login of somebody's own stays, and the reason says what it is") {
  CHECK(why(R"({"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}})") == "contains a refresh token");
  CHECK(why(R"({"claudeAiOauth":{"accessToken":"old","refreshToken":"r"}})") == "contains a refresh token");
  CHECK(why(R"({"claudeAiOauth":{"accessToken":"sk-ant-oat01-setup"}})") ==
        "contains an access token that is not from oci-oauth");
  CHECK(why(R"({"claudeAiOauth":"secret"})") == "contains an access token that is not from oci-oauth");
  CHECK(why("glpat-x") == "is not a JSON document");
  CHECK(why("[1]") == "is not a JSON object");
  CHECK(why(R"({"a":1,"a":2})") == "is not a JSON document");
}

TEST_CASE("our member is set, replaced and taken out, and every other byte stays") {
  const std::string others = "{\n  \"mcpOAuth\": {\"refreshToken\": \"r\",   \"n\": 1.50}\n}\n";
  const auto added = with_member(others, claude, published);
  REQUIRE(added);
  CHECK(content_of(added->reveal()) == Content::current);
  CHECK(added->reveal().starts_with("{\n  \"mcpOAuth\": {\"refreshToken\": \"r\",   \"n\": 1.50},\n"));
  const auto taken = without_member(added->reveal(), claude);
  REQUIRE(taken);
  CHECK(taken->reveal() == others);

  const auto replaced =
      with_member(R"({"x" : [ 1 ],"claudeAiOauth":{"accessToken":"old"} , "y":"\u00e9"})", claude, published);
  REQUIRE(replaced);
  CHECK(replaced->reveal() ==
        R"({"x" : [ 1 ],"claudeAiOauth":{"accessToken":"new","scopes":["a"]} , "y":"\u00e9"})");
}

TEST_CASE("a member within a member is ours alone, and what we made around it goes with it") {
  const WrittenFile entry = {.name = ".credentials.json",
                             .member = "/mcpOAuth/a",
                             .access_token = "/mcpOAuth/a/accessToken",
                             .refresh_token = "/mcpOAuth/a/refreshToken"};
  const Secret both(
      std::string_view(R"({"claudeAiOauth":{"accessToken":"x"},"mcpOAuth":{"a":{"accessToken":"new"}}})"));
  const auto judged = [&](std::string_view text) { return judge(text, entry, &both, known); };
  for (const char* others : {R"({"mcpOAuth":{"b":{"refreshToken":"r"}}})", R"({"n":1.50})", "{}"}) {
    INFO(others);
    const auto added = with_member(others, entry, both);
    REQUIRE(added);
    CHECK(judged(added->reveal()).content == Content::current);
    CHECK(judged(added->reveal()).has_others == (std::string_view(others) != "{}"));
    CHECK(without_member(added->reveal(), entry)->reveal() == others);
  }
  CHECK(judged(R"({"mcpOAuth":{"a":{"refreshToken":"r"}}})").content == Content::foreign);
  CHECK(judged(R"({"mcpOAuth":{"b":{"refreshToken":"r"}}})").content == Content::blank);
  CHECK(judged(R"({"mcpOAuth":7})").has_others);
  CHECK(fingerprint_of(both, entry) == fingerprint("new"));
  CHECK(fingerprint_of(published, entry).empty());
}

TEST_CASE("a fingerprint is of the file, or of the access token in our member") {
  CHECK(fingerprint_of(published, claude) == fingerprint("new"));
  CHECK(fingerprint_of(published, whole) == fingerprint(published));
  CHECK(fingerprint_of(Secret(std::string_view("{}")), claude).empty());
}
