// SPDX-License-Identifier: Apache-2.0
#include "config/provider.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/config.h"
#include "support/catch.h"
#include "support/providers.h"
#include "support/temp_dir.h"

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
  const auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
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

TEST_CASE("the address of an API is https, or on a loopback address, and has no path") {
  const auto with_url = [](std::string_view url) {
    INFO(url);
    return bool(parse_provider(fmt::format(R"({{"token_url": "https://e/", "client_id": "c",
      "credentials": {{"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}},
      "api": {{"url": "{}", "requests": ["GET /v1"]}}}})",
                                           url),
                               "f", "x"));
  };
  for (const std::string_view url : {"https://e", "https://api.example:8443", "https://[::1]:8443",
                                     "http://127.0.0.1:80", "http://localhost", "http://[::1]:1"})
    CHECK(with_url(url));
  for (const std::string_view url :
       {"http://e", "https://", "https://e/", "https://e/v1", "e", "https://a b", "https://a;b",
        "http://127.0.0.1/", "http://127.0.0.1.example", "http://localhost:1/v1"})
    CHECK_FALSE(with_url(url));
}

TEST_CASE("the codes that end a login are the provider's, and are codes") {
  const auto with = [](const std::string& codes) {
    return parse_provider(
        R"({"token_url": "https://e/", "client_id": "c", "terminal_errors": )" + codes + R"(,
      "credentials": {"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}})",
        "f", "x");
  };
  CHECK(with(R"(["bad_refresh_token"])")->terminal_errors == std::vector<std::string>{"bad_refresh_token"});
  CHECK(load_provider("claude", {test::providers_of(SOURCE_DIR)})->terminal_errors ==
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
  CHECK(load_provider("claude", {test::providers_of(SOURCE_DIR)})->shadowed_by.size() == 4);
}

TEST_CASE(
    "all providers of several directories are found, the first of a name, and broken ones are left out") {
  const TempDir local, installed;
  local.write("a.json", R"({"credentials": {"refresh_token": "/local"}})");
  local.write("note.txt", "");
  installed.write("a.json", R"({"credentials": {"refresh_token": "/installed"}})");
  installed.write("b.json", R"({"credentials": {"refresh_token": "/b"}})");
  installed.write("c.json", "{");
  const auto providers = load_providers({local.path(), "/nowhere", installed.path()});
  REQUIRE(providers.size() == 2);
  CHECK(providers[0].fields.refresh_token == "/local");
  CHECK(providers[1].name == "b");
}

TEST_CASE("a missing provider is reported with the directories that were searched") {
  const auto provider = load_provider("none", {"/a", "/b"});
  REQUIRE_FALSE(provider);
  CHECK(provider.error().message == "provider 'none': there is no none.json in /a, /b");
}

TEST_CASE("a name that leads out of the directory is not a provider name") {
  CHECK(load_provider("../x", {"/etc"}).error().message == "provider '../x': is not a valid provider name");
}

namespace {

std::string provider_refusal(std::string_view members, std::string_view fields = "") {
  const auto provider = parse_provider(
      fmt::format(R"({{"token_url": "https://e/", "client_id": "c", "credentials": {{"access_token": "/l/a",
          "refresh_token": "/l/r", "expires_at": "/l/e", "client_secret": "/l/s"{}{}}}{}{}}})",
                  fields.empty() ? "" : ", ", fields, members.empty() ? "" : ", ", members),
      "f", "x");
  return provider ? "" : provider.error().message;
}

std::string delivery_refusal(std::string_view members) {
  return provider_refusal(fmt::format(R"("deliver": [{{"file": "f.json", {}}}])", members));
}

}  // namespace

TEST_CASE("no word of a provider delivers, sends or overwrites a secret") {
  const std::pair<std::string, std::string> mistakes[] = {
      {delivery_refusal(R"("fields": ["/l/s"])"),
       "f: /deliver/0/fields: '/l/s' would deliver the client's secret"},
      {delivery_refusal(R"("fields": [], "moved": {"/x": "/l/r"})"),
       "f: /deliver/0/moved//x: '/l/r' would deliver the refresh token"},
      {delivery_refusal(R"("fields": [], "moved": {"/x": "/l"})"),
       "f: /deliver/0/moved//x: '/l' would deliver the refresh token"},
      {delivery_refusal(R"("fields": [], "constants": {"/l/r": "a copy"})"),
       "f: /deliver/0/constants//l/r: only the empty text is allowed at a refresh token's place"},
      {delivery_refusal(R"("fields": [], "constants": {"/x/refreshToken": "a copy"})"),
       "f: /deliver/0/constants//x/refreshToken: only the empty text is allowed at a refresh token's place"},
      {delivery_refusal(R"("fields": ["/l/a"], "constants": {"/l/a/b": ""})"),
       "f: /deliver/0/constants//l/a/b: a field is at the same place"},
      {provider_refusal("", R"("parameters": {"assertion": "/l/r"})"),
       "f: /credentials/parameters/assertion: '/l/r' would send the refresh token"},
      {provider_refusal("", R"("answer": {"id_token": "/l/r"})"),
       "f: /credentials/answer: '/l/r' is the refresh token"},
      {provider_refusal("", R"("answer": {"id_token": "/l/a"})"),
       "f: /credentials/answer: '/l/a' is the access token"},
      {provider_refusal("", R"("answer": {"refresh_token": "/x"})"),
       "f: /credentials/answer/refresh_token: 'refresh_token' has a key of its own"},
      {provider_refusal("", R"("refreshed_at": "/l/r/x")"),
       "f: /credentials/refreshed_at: '/l/r/x' is the refresh token"},
      {provider_refusal(R"("parameters": {"client_secret": "x"})"),
       "f: /parameters/client_secret: 'client_secret' has a key of its own"},
  };
  for (const auto& [told, wanted] : mistakes) CHECK(told == wanted);
  CHECK(delivery_refusal(R"("fields": ["/l/a"], "constants": {"/l/r": "", "/mode": "x"})").empty());
}

TEST_CASE("a lock file is in the login's directory, and only a file has content") {
  CHECK(provider_refusal(R"("locks": [{"path": "{directory}/l", "kind": "file", "content": "holder"}])")
            .empty());
  for (const char* path : {"/tmp/l", "{directory}.lock", "{directory}/../l", "{directory}/a/../l"}) {
    INFO(path);
    const std::string kind = GENERATE("file", "lease");
    CHECK(provider_refusal(fmt::format(R"("save_locks": [{{"path": "{}", "kind": "{}"}}])", path, kind)) ==
          fmt::format("f: /save_locks: '{}' is not a file of the login's directory", path));
  }
  CHECK(provider_refusal(R"("locks": [{"path": "{directory}/l", "content": "holder"}])") ==
        "f: /locks: '{directory}/l' is a directory, which has no \"content\"");
  CHECK(provider_refusal(R"("locks": [{"path": "{directory}/l", "kind": "lease", "content": "holder"}])") ==
        "f: /locks: '{directory}/l' is a lease, which has no \"content\"");
}

TEST_CASE("a key that names a refresh token is known in every spelling") {
  for (const char* key : {"refreshToken", "refresh_token", "refresh", "idpRefreshToken", "REFRESH-TOKEN"})
    CHECK(names_refresh_token(key));
  for (const char* key : {"last_refresh", "refreshTokenExpiresAt", "refresh_token_expires_in", "token", ""})
    CHECK_FALSE(names_refresh_token(key));
}

TEST_CASE("what a provider leaves to its profiles is asked of them") {
  const auto provider = load_provider("oauth2", {test::providers_of(SOURCE_DIR)});
  REQUIRE(provider);
  Profile profile;
  profile.name = "mine";
  const auto reason = [&] {
    const auto checked = check_complete(profile, *provider);
    return checked ? "" : checked.error().message;
  };
  CHECK(reason() == "/profiles/mine/token_url: is missing: the provider 'oauth2' leaves it to each profile");
  const bool has_issuer = GENERATE(false, true);
  (has_issuer ? profile.issuer : profile.token_url) = "https://e/";
  CHECK(reason() == "/profiles/mine/client_id: is missing: the provider 'oauth2' leaves it to each profile");
  profile.client_id = "c";
  CHECK(reason().empty());
}

TEST_CASE("a provider of documents needs a document, and one of a command's output a command") {
  const auto reason = [](const std::string& provider, bool has_source) {
    Profile profile;
    profile.name = "mine";
    if (has_source) profile.source = ExecSource{.exec = {"/x"}};
    const auto checked =
        check_complete(profile, *load_provider(provider, {SOURCE_DIR "/oci-config/providers"}));
    return checked ? "" : checked.error().message;
  };
  CHECK(reason("claude", false).empty());
  CHECK(reason("claude", true) ==
        "/profiles/mine/source: the provider 'claude' describes a document with a refresh token");
  for (const char* provider : {"exec", "text", "kubernetes", "az", "gcloud-cli"}) {
    INFO(provider);
    CHECK(reason(provider, true).empty());
    CHECK(reason(provider, false) ==
          fmt::format("/profiles/mine/credentials: the provider '{}' describes the "
                      "output of a command",
                      provider));
  }
}

TEST_CASE("a socket needs a provider with an API, and a port where the client knows only TCP") {
  Profile profile;
  profile.name = "mine";
  profile.delivery = Delivers::socket;
  const auto reason = [&](const std::string& provider) {
    const auto checked =
        check_complete(profile, *load_provider(provider, {SOURCE_DIR "/oci-config/providers"}));
    return checked ? "" : checked.error().message;
  };
  CHECK(reason("claude").empty());
  CHECK(reason("opencode") == "/profiles/mine/delivery: the provider 'opencode' has no \"api\"");
  CHECK(reason("kimi") ==
        "/profiles/mine/loopback_port: the provider 'kimi' needs one: its client knows only TCP");
  profile.source = ExecSource{.exec = {"/x"}};
  CHECK(reason("exec") == "/profiles/mine/delivery: the provider 'exec' has no \"api\"");
  profile.source.reset();
  profile.loopback_port = "8788";
  const auto kimi = load_provider("kimi", {SOURCE_DIR "/oci-config/providers"});
  CHECK(check_complete(profile, *kimi));
  CHECK(std::ranges::count(environment_of(*kimi, profile, "/run/secrets/kimi"),
                           "KIMI_MODEL_BASE_URL=http://127.0.0.1:8788/coding/v1") == 1);
}

TEST_CASE("a provider that others may write is refused") {
  const TempDir directory;
  const std::string path = directory.write("x.json", R"({"credentials": {"refresh_token": "/r"}})");
  CHECK(load_provider("x", {directory.path()}));
  for (const mode_t mode : {0664U, 0646U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto provider = load_provider("x", {directory.path()});
    REQUIRE_FALSE(provider);
    CHECK(provider.error().message.find("other users can change it") != std::string::npos);
    CHECK(provider.error().hint.find("chmod go-w " + path) != std::string::npos);
  }
}

TEST_CASE("every shipped provider follows the rules") {
  const std::string directory = test::providers_of(SOURCE_DIR);
  const auto files = names_in({.path = directory});
  REQUIRE((files && !files->empty()));
  for (const std::string& file : *files) {
    const auto provider = load_provider(file.substr(0, file.rfind('.')), {directory});
    if (!provider) FAIL_CHECK(provider.error().message);
  }
}

TEST_CASE("an entry takes its place in every text of its provider, as a pointer and as JSON spell it") {
  const TempDir directory;
  directory.write("several.json", R"(// {entry}
      {"credentials": {"access_token": "/m/{entry}/a", "refresh_token": "/m/{entry}/r"},
       "deliver": [{"file": "f", "member": "/m/{entry}", "fields": ["/m/{entry}/a"]}]})");
  directory.write("one.json", R"({"credentials": {"access_token": "/a", "refresh_token": "/r"}})");
  const auto load = [&](const std::string& provider, const std::string& entry) {
    Profile profile;
    profile.provider = provider;
    profile.entry = entry;
    return load_provider(profile, {directory.path()});
  };
  const auto provider = load("several", "a/b~c\"d\\\n*/{entry}");
  REQUIRE(provider);
  CHECK(provider->fields.access_token == "/m/a~1b~0c\"d\\\n*~1{entry}/a");
  CHECK(provider->deliver.front().refresh_token == "/m/a~1b~0c\"d\\\n*~1{entry}/r");
  CHECK(load("several", "").error().message ==
        "provider 'several': describes one of several logins in a file, so the profile needs an \"entry\"");
  CHECK(load("one", "x").error().message ==
        "provider 'one': describes the only login in a file, so the profile cannot have an \"entry\"");
  CHECK(load("one", ""));
}
