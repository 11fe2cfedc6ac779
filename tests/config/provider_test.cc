// SPDX-License-Identifier: Apache-2.0
#include "config/provider.h"

#include <fmt/format.h>

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string with_delivered(std::string_view fields) {
  return R"({"token_url": "https://e/", "client_id": "c",
    "credentials": {"access_token": "/l/a", "refresh_token": "/l/r", "expires_at": "/l/e"},
    "deliver": [{"file": "f.json", "fields": [)" +
         std::string(fields) + "]}]}";
}

}  // namespace

TEST_CASE("Claude's provider is data") {
  const auto provider = load_provider("claude", {SOURCE_DIR "/oci-config/providers"});
  REQUIRE(provider);
  CHECK(provider->body == BodyEncoding::json);
  CHECK(provider->scope == ScopeRule::stored);
  CHECK(provider->fields.refresh_token == "/claudeAiOauth/refreshToken");
  CHECK(provider->fields.client_id == "/claudeAiOauth/clientId");
  CHECK(provider->fields.login_end == LoginEndRule::lowered);
  CHECK(provider->locks.size() == 2);
  REQUIRE(provider->deliver.size() == 1);
  CHECK(provider->deliver.front().member == "/claudeAiOauth");
  REQUIRE(provider->save_locks.size() == 1);
  CHECK(provider->save_locks[0].path == "{directory}/.storage-write.lock");
  CHECK(provider->save_locks[0].stale_after == std::chrono::seconds(15));
}

TEST_CASE("a provider cannot deliver the refresh token, nor an object that holds it") {
  for (const char* field : {"\"/l/r\"", "\"/l\""}) {
    const auto provider = parse_provider(with_delivered(field), "f", "x");
    REQUIRE_FALSE(provider);
    CHECK(provider.error().message.find("would deliver the refresh token") != std::string::npos);
  }
  CHECK(parse_provider(with_delivered("\"/l/a\""), "f", "x"));
}

TEST_CASE("a member of a document is one of the root that holds every field, and the access token") {
  const auto reason = [](std::string_view fields, const std::string& member) {
    std::string text = with_delivered(fields);
    text.insert(text.find("\"fields\""), "\"member\": \"" + member + "\", ");
    const auto provider = parse_provider(text, "f", "x");
    return provider ? "" : provider.error().message;
  };
  CHECK(reason("\"/l/a\"", "/l").empty());
  CHECK(reason("\"/l/a\"", "") == "f: /deliver/0/member: is not a non-empty string");
  CHECK(reason("\"/l/a\"", "/l/a") == "f: /deliver/0/member: '/l/a' is not a member of the root");
  CHECK(reason("\"/l/a\", \"/m\"", "/l") == "f: /deliver/0/member: '/l' does not contain the field '/m'");
  CHECK(reason("\"/l/e\"", "/l") == "f: /deliver/0/member: the access token must be among its fields");
}

TEST_CASE("the refresh token cannot be published as the access token") {
  const auto provider = parse_provider(R"({"token_url": "https://e/", "client_id": "c",
    "credentials": {"access_token": "/r", "refresh_token": "/r", "expires_at": "/e"}})",
                                       "f", "x");
  REQUIRE_FALSE(provider);
  CHECK(provider.error().message == "f: /credentials/access_token: '/r' is the refresh token");
}

TEST_CASE("a request that a proxy may pass is a method and a path of plain segments") {
  const auto with_request = [](std::string_view request) {
    return parse_provider(fmt::format(R"({{"token_url": "https://e/", "client_id": "c",
      "credentials": {{"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}},
      "api": {{"url": "https://api.example", "requests": ["{}"]}}}})",
                                      request),
                          "f", "x");
  };
  CHECK(with_request("GET /v1/models/*"));
  for (const std::string_view request :
       {"", "GET", "GET ", "get /v1", "GET v1", "GET /", "GET /v1/", "GET //v1", "GET /v1/..", "GET /./v1",
        "GET /v1/a*", "GET /v1?x=1", "GET /v1/%2f", "GET /v1 /v2", " /v1", "GET /v1#x",
        "GET /v1\\\"; evil"}) {
    INFO(request);
    CHECK_FALSE(with_request(request));
  }
}

TEST_CASE("the address of an API is https and has no path") {
  for (const std::string_view url : {"http://e", "https://", "https://e/", "https://e/v1", "e"}) {
    INFO(url);
    CHECK_FALSE(parse_provider(fmt::format(R"({{"token_url": "https://e/", "client_id": "c",
      "credentials": {{"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}},
      "api": {{"url": "{}", "requests": []}}}})",
                                           url),
                               "f", "x"));
  }
}

TEST_CASE("the codes that end a login are the provider's, and are codes") {
  const auto with = [](const std::string& codes) {
    return parse_provider(
        R"({"token_url": "https://e/", "client_id": "c", "terminal_errors": )" + codes + R"(,
      "credentials": {"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}})",
        "f", "x");
  };
  CHECK(with(R"(["bad_refresh_token"])")->terminal_errors == std::vector<std::string>{"bad_refresh_token"});
  CHECK(load_provider("claude", {SOURCE_DIR "/oci-config/providers"})->terminal_errors ==
        std::vector<std::string>{"invalid_grant"});
  for (const char* codes : {R"([""])", R"(["two words"])", R"("invalid_grant")", "[7]"})
    CHECK_FALSE(with(codes));
  CHECK(with(R"(["a b"])").error().message == "f: /terminal_errors: 'a b' is not an error code");
}

TEST_CASE("a provider names the variables that its client obeys first") {
  const auto with = [](const std::string& names) {
    return parse_provider(R"({"token_url": "https://e/", "client_id": "c", "shadowed_by": )" + names + R"(,
            "credentials": {"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}})",
                          "f", "p");
  };
  REQUIRE(with(R"(["A_KEY"])"));
  CHECK(with(R"(["A_KEY"])")->shadowed_by == std::vector<std::string>{"A_KEY"});
  CHECK(with(R"(["A KEY"])").error().message == "f: /shadowed_by: 'A KEY' is not a valid variable name");
  CHECK(load_provider("claude", {SOURCE_DIR "/oci-config/providers"})->shadowed_by.size() == 4);
}

TEST_CASE("a missing provider is reported with the directories that were searched") {
  const auto provider = load_provider("none", {"/a", "/b"});
  REQUIRE_FALSE(provider);
  CHECK(provider.error().message == "provider 'none': there is no none.json in /a, /b");
}

TEST_CASE("a name that leads out of the directory is not a provider name") {
  CHECK(load_provider("../x", {"/etc"}).error().message == "provider '../x': is not a valid provider name");
}
