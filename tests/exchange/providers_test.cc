// SPDX-License-Identifier: Apache-2.0
// Each shipped provider on a document of its client's shape, refreshed at the endpoint of tests/support,
// which stands in for the real one.
#include <sys/stat.h>

#include <filesystem>

#include "base/fingerprint.h"
#include "base/json.h"
#include "exchange/exchange.h"
#include "exchange/login_store.h"
#include "support/catch.h"
#include "support/providers.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

// {"alg":"none"} . {"exp":1893456000} (2030-01-01T00:00:00Z) . , unsigned.
const std::string jwt_of_2030 = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4OTM0NTYwMDB9.";

struct ProviderRun {
  TempDir home;
  test::TokenEndpoint endpoint;
  std::string refresh_token;
  ExchangeRequest request;
  std::string path;

  // `document` has REFRESH at the place of the refresh token.
  ProviderRun(const std::string& provider, const std::string& file, std::string document,
              const std::string& entry = "")
      : path(file) {
    auto loaded = load_provider(ProviderEntry{provider, entry, file.substr(file.rfind('/') + 1)},
                                {test::providers_of(SOURCE_DIR)});
    REQUIRE(loaded);
    request.provider = std::move(*loaded);
    refresh_token = endpoint.issue_login().refresh_token;
    document.replace(document.find("REFRESH"), 7, refresh_token);
    std::filesystem::create_directories(std::filesystem::path(home / file).parent_path());
    request.profile.name = provider;
    request.profile.provider = provider;
    request.profile.entry = entry;
    request.profile.credentials = home.write(file, document);
    request.profile.token_url = endpoint.url();
    request.profile.ca_file = home.write("ca.pem", test::TokenEndpoint::ca_pem());
  }

  ExchangeReport refresh() {
    ExchangeReport report = keep_fresh(request, [] { return false; });
    INFO((report.failure ? report.failure->message : ""));
    CHECK_FALSE(report.failure);
    CHECK(report.refreshed);
    REQUIRE(report.login);
    for (const auto& [name, content] : report.login->files) {
      CHECK(content.reveal().find(refresh_token) == std::string_view::npos);
      CHECK(content.reveal().find("sk-ant-ort01-") == std::string_view::npos);
    }
    return report;
  }
  test::Parameters sent() const { return endpoint.requests().back().parameters; }
  JsonValue document() const {
    auto json = parse_json(home.read(path), path);
    REQUIRE(json);
    return std::move(*json);
  }
};

JsonValue delivered_by(const ExchangeReport& report, std::string_view name) {
  for (const auto& [file, content] : report.login->files) {
    if (file != name) continue;
    auto json = parse_json(content.reveal(), name);
    REQUIRE(json);
    return std::move(*json);
  }
  FAIL("not delivered");
  return {};
}

std::string text_of(const JsonValue& document, const std::string& pointer) {
  const JsonValue* value = json_at(document, pointer);
  return value == nullptr || !value->IsString() ? "" : std::string(json_text(*value));
}

}  // namespace

TEST_CASE("codex: the token's own expiry counts, and the client finds a refresh token that is empty") {
  ProviderRun run("codex", "codex/auth.json",
                  R"({"OPENAI_API_KEY": null, "tokens": {"id_token": "old", "access_token":
      "eyJhbGciOiJub25lIn0.eyJleHAiOjE2OTM0NTYwMDB9.", "refresh_token": "REFRESH", "account_id": "a"},
      "last_refresh": "2026-11-01T00:00:00.123456789Z"})");
  run.endpoint.script({.members = {{"access_token", "\"" + jwt_of_2030 + "\""}, {"id_token", "\"new\""}}});
  const ExchangeReport report = run.refresh();
  CHECK(rfc3339(report.login->expires_at) == "2030-01-01T00:00:00Z");
  CHECK(run.sent() == test::Parameters{{"grant_type", "refresh_token"},
                                       {"refresh_token", run.refresh_token},
                                       {"client_id", "app_EMoamEEZ73f0CkXaXp7hrann"}});
  const JsonValue document = run.document();
  CHECK(run.endpoint.accepts_refresh_token(text_of(document, "/tokens/refresh_token")));
  CHECK(text_of(document, "/tokens/id_token") == "new");
  const std::string refreshed_at = text_of(document, "/last_refresh");
  CHECK(refreshed_at.size() == std::string_view("2026-11-01T00:00:00.123456789Z").size());
  CHECK(refreshed_at != "2026-11-01T00:00:00.123456789Z");
  const JsonValue file = delivered_by(report, "auth.json");
  CHECK(text_of(file, "/auth_mode") == "chatgptAuthTokens");
  CHECK(text_of(file, "/tokens/access_token") == jwt_of_2030);
  CHECK(text_of(file, "/last_refresh") == refreshed_at);
  REQUIRE(json_at(file, "/tokens/refresh_token") != nullptr);
  CHECK(text_of(file, "/tokens/refresh_token").empty());
}

TEST_CASE(
    "codex: a token whose own expiry has passed when it is granted is stored, due at once, and reported") {
  const std::string jwt_of_2023 = "eyJhbGciOiJub25lIn0.eyJleHAiOjE2OTM0NTYwMDB9.";
  ProviderRun run(
      "codex", "codex/auth.json",
      R"({"tokens": {"access_token": "not.a.jwt", "refresh_token": "REFRESH"}, "last_refresh": ""})");
  run.endpoint.script({.members = {{"access_token", "\"" + jwt_of_2023 + "\""}}});
  const ExchangeReport report = run.refresh();
  CHECK(rfc3339(report.login->expires_at) == "2023-08-31T04:26:40Z");
  CHECK(text_of(run.document(), "/tokens/access_token") == jwt_of_2023);
  REQUIRE(report.notices.size() == 1);
  CHECK(report.notices[0] == "the granted token has already expired, according to the server");
}

TEST_CASE("codex: a login that the server ended needs a person, whatever the form of its error") {
  for (const char* body :
       {R"({"error": {"code": "refresh_token_reused"}})", R"({"error": "refresh_token_expired"})",
        R"({"code": "refresh_token_invalidated"})"}) {
    ProviderRun run("codex", "codex/auth.json",
                    R"({"tokens": {"access_token": "", "refresh_token": "REFRESH"}, "last_refresh": ""})");
    run.endpoint.script({.reply = test::Reply{401, {}, body}});
    const ExchangeReport report = keep_fresh(run.request, [] { return false; });
    REQUIRE(report.failure);
    CHECK(report.failure->kind == FailureKind::login_required);
  }
}

TEST_CASE("grok: the expiry stays RFC 3339 text, and a team's principal goes with the request") {
  const std::string scope = "https://auth.x.ai::b1a00492-073a-47ea-816f-4c329264a828";
  const std::string at = "/https:~1~1auth.x.ai::b1a00492-073a-47ea-816f-4c329264a828";
  ProviderRun run("grok", "grok/auth.json",
                  R"({")" + scope + R"(": {"key": "old", "refresh_token": "REFRESH", "expires_at":
      "2026-11-01T02:00:00.5+02:00", "create_time": "t", "user_id": "u", "principal_type": "team", "principal_id": "7"}})");
  const ExchangeReport report = run.refresh();
  CHECK(run.sent().at("principal_type") == "team");
  CHECK(run.sent().at("principal_id") == "7");
  CHECK(run.sent().count("scope") == 0);
  const JsonValue document = run.document();
  CHECK(text_of(document, at + "/expires_at").ends_with("+02:00"));
  const JsonValue file = delivered_by(report, "auth.json");
  CHECK(text_of(file, at + "/key") == text_of(document, at + "/key"));
  CHECK(text_of(file, at + "/user_id") == "u");
  CHECK(json_at(file, at + "/refresh_token") == nullptr);
  const std::string holder = run.home.read("grok/auth.json.lock");
  CHECK(holder.starts_with(std::to_string(::getpid()) + ":"));
}

TEST_CASE("kimi: the lock's directory is made, and the delivered file has no expiry") {
  ProviderRun run(
      "kimi", "kimi/credentials/kimi-code.json",
      R"({"access_token": "old", "refresh_token": "REFRESH", "expires_at": 1700000000, "expires_in": 900,
      "scope": "kimi-code", "token_type": "Bearer"})");
  const ExchangeReport report = run.refresh();
  CHECK(std::filesystem::is_directory(run.home / "kimi/oauth"));
  CHECK(std::filesystem::is_empty(run.home / "kimi/oauth"));
  const JsonValue document = run.document();
  CHECK(json_int(document, "expires_at").value_or(0) < 10'000'000'000);  // seconds
  CHECK(json_int(document, "expires_in") == 28800);
  const JsonValue file = delivered_by(report, "kimi-code.json");
  CHECK(text_of(file, "/scope") == "kimi-code");
  CHECK(json_at(file, "/expires_at") == nullptr);
}

TEST_CASE("opencode: another login of the same document stays, and is not delivered") {
  ProviderRun run(
      "opencode", "opencode/auth.json",
      R"({"openai": {"type": "oauth", "refresh": "REFRESH", "access": "old", "expires": 1700000000000},
      "xai": {"type": "oauth", "refresh": "another login", "access": "x", "expires": 0}})");
  const ExchangeReport report = run.refresh();
  const JsonValue document = run.document();
  CHECK(run.endpoint.accepts_refresh_token(text_of(document, "/openai/refresh")));
  CHECK(text_of(document, "/xai/refresh") == "another login");
  const JsonValue file = delivered_by(report, "auth.json");
  CHECK(json_at(file, "/xai") == nullptr);
  REQUIRE(json_at(file, "/openai/refresh") != nullptr);
  CHECK(text_of(file, "/openai/refresh").empty());
}

TEST_CASE(
    "gcloud: client and secret are the document's, which keeps every byte, and the token is ours alone") {
  ProviderRun run("gcloud", "gcloud/adc.json",
                  R"({"client_id": "c.apps", "client_secret": "not so secret", "refresh_token": "REFRESH",
      "type": "authorized_user"})");
  run.endpoint.script({.omit = {"refresh_token"}});
  const std::string before = run.home.read(run.path);
  const ExchangeReport report = run.refresh();
  CHECK(run.sent().at("client_id") == "c.apps");
  CHECK(run.sent().at("client_secret") == "not so secret");
  CHECK(run.home.read(run.path) == before);
  REQUIRE(report.login->files.size() == 1);
  CHECK(report.login->files[0].name == "token");
  CHECK(run.endpoint.accepts_access_token(std::string(report.login->files[0].content.reveal())));

  // What was published is known again by its fingerprint, and not asked for anew.
  run.request.published_token = Secret(report.login->files[0].content.reveal());
  run.request.known.published.access_token_hash = report.login->access_token_hash;
  run.request.known.published.obtained_at = now();
  run.request.known.published.expires_at = report.login->expires_at;
  const ExchangeReport again = keep_fresh(run.request, [] { return false; });
  CHECK_FALSE(again.failure);
  CHECK_FALSE(again.refreshed);
  CHECK(again.login->expires_at == report.login->expires_at);
  CHECK(run.endpoint.counters().posts == 1);
}

TEST_CASE("oauth2: a profile names the client, and its secret goes by post or basic") {
  const std::string document =
      R"({"access_token": "old", "refresh_token": "REFRESH", "expires_at": "1700000000", "scope": "user:inference"})";
  for (const auto method : {ClientAuthentication::post, ClientAuthentication::basic}) {
    ProviderRun run("oauth2", "login.json", document);
    run.request.profile.client_id = "my client";
    run.request.provider.authentication = method;
    run.request.client_secret = Secret(std::string_view("a secret:of mine"));
    const ExchangeReport report = run.refresh();
    const test::Request request = run.endpoint.requests().back();
    const bool is_basic = method == ClientAuthentication::basic;
    CHECK(request.parameters.count("client_secret") == (is_basic ? 0 : 1));
    CHECK(request.parameters.count("client_id") == (is_basic ? 0 : 1));
    CHECK(request.parameters.at("scope") == "user:inference");
    // base64 of "my%20client:a%20secret%3Aof%20mine"
    if (is_basic)
      CHECK(request.headers.at("authorization") == "Basic bXklMjBjbGllbnQ6YSUyMHNlY3JldCUzQW9mJTIwbWluZQ==");
    CHECK(text_of(run.document(), "/expires_at").size() == 10);  // still a number in a string
    CHECK(json_at(delivered_by(report, "login.json"), "/refresh_token") == nullptr);
  }
}

TEST_CASE("claude-mcp: an entry is refreshed with its own client, and every other byte stays") {
  const std::string name = GENERATE("issues|2f6d1c0a9b8e7d6c", R"(a/b~c \"d\" \u00e9|1)");
  const std::string text = R"({"claudeAiOauth": {"accessToken": "A", "refreshToken": "R"},
      "mcpOAuth" : {"other|1": {"accessToken": "x", "refreshToken": "y"}, ")" +
                           name +
                           R"(": {"serverName": "a secret of it", "serverUrl": "https://mcp.example.org",
      "clientId": "c", "clientSecret": "a secret of it", "accessToken": "OLD", "refreshToken": "REFRESH",
      "expiresAt": 1700000000000, "scope": "user:inference user:profile", "stepUpScope": null} } })";
  const auto key = parse_json("\"" + name + "\"", "");
  REQUIRE(key);
  const std::string entry(json_text(*key));
  ProviderRun run("claude-mcp", "claude/.credentials.json", text, entry);
  const ExchangeReport report = run.refresh();
  CHECK(run.sent() == test::Parameters{{"grant_type", "refresh_token"},
                                       {"refresh_token", run.refresh_token},
                                       {"client_id", "c"},
                                       {"client_secret", "a secret of it"},
                                       {"resource", "https://mcp.example.org/"}});
  const std::string at = "/mcpOAuth/" + json_pointer_step(entry);
  const JsonValue document = run.document();
  CHECK(run.endpoint.accepts_refresh_token(text_of(document, at + "/refreshToken")));
  std::string expected = text;
  expected.replace(expected.find("OLD"), 3, text_of(document, at + "/accessToken"));
  expected.replace(expected.find("REFRESH"), 7, text_of(document, at + "/refreshToken"));
  const JsonValue* const expiry = json_at(document, at + "/expiresAt");
  REQUIRE(expiry != nullptr);
  expected.replace(expected.find("1700000000000"), 13, std::to_string(expiry->GetInt64()));
  CHECK(run.home.read(run.path) == expected);

  const JsonValue file = delivered_by(report, ".credentials.json");
  CHECK(text_of(file, at + "/accessToken") == text_of(document, at + "/accessToken"));
  CHECK(json_at(file, at + "/serverName") == nullptr);  // where the secret is hidden
  CHECK(json_at(file, "/claudeAiOauth") == nullptr);
  CHECK(json_at(file, "/mcpOAuth")->MemberCount() == 1);
}

TEST_CASE("claude-mcp: the client's own lock is taken by the name that it gives it") {
  auto provider =
      load_provider(ProviderEntry{"claude-mcp", "a b/\u00e9\U0001F600|1f"}, {test::providers_of(SOURCE_DIR)});
  REQUIRE(provider);
  CHECK(provider->locks.front().path == "{directory}/mcp-refresh-a_b_____1f.lock.lock");
}

TEST_CASE(
    "claude-mcp: an entry that is missing, or lacks what a refresh needs, is reported, and nothing is sent") {
  const auto [entry, text, what] = GENERATE(table<std::string, std::string, std::string>(
      {{"none|1", R"({"mcpOAuth": {"x": {"refreshToken": "REFRESH"}}})",
        "/mcpOAuth/none|1/refreshToken: there is no token"},
       {"x", R"({"mcpOAuth": {"x": {"refreshToken": "REFRESH", "serverUrl": "https://a"}}})",
        "cannot be refreshed: has no client"},
       {"x", R"({"mcpOAuth": {"x": {"refreshToken": "REFRESH", "clientId": "c"}}})",
        "cannot be refreshed: has no server"}}));
  ProviderRun run("claude-mcp", "claude/.credentials.json", text, entry);
  run.request.profile.token_url.clear();
  const ExchangeReport report = keep_fresh(run.request, [] { return false; });
  REQUIRE(report.failure);
  CHECK(report.failure->message.ends_with(what));
  CHECK(run.endpoint.counters().posts == 0);
}

TEST_CASE(
    "what another entry recorded is discarded once the document does not have its refresh token any more") {
  const bool is_there = GENERATE(true, false);
  const std::string others_token = is_there ? "sent by b" : "one of a new login";
  ProviderRun run("claude-mcp", "claude/.credentials.json",
                  R"({"mcpOAuth": {"b": {"refreshToken": ")" + others_token +
                      R"("}, "a": {"serverUrl": "https://a", "clientId": "c", "refreshToken": "REFRESH"}}})",
                  "a");
  const std::string lock = run.home / "claude/mcp-refresh-b.lock.lock";
  const auto held =
      DirectoryLocks::acquire({{.path = lock}}, std::chrono::steady_clock::now(), [] { return false; });
  REQUIRE(held);
  {
    auto store =
        LoginStore::open(run.home / run.path, std::chrono::steady_clock::now(), Document::required, "b");
    REQUIRE(store);
    REQUIRE(store->journal().note_lock(held->identities().at(0)));
    REQUIRE(store->journal().note_request(fingerprint(std::string_view("sent by b")), now()));
  }
  run.refresh();
  const std::string journal = run.home.read("claude/" + journal_name(".credentials.json"));
  CHECK((journal.find("refresh_token_hash") != journal.npos) == is_there);
  CHECK(std::filesystem::exists(lock) == is_there);
}

TEST_CASE("codex-mcp: a token of a server by its url, with Codex' locks for the entry and the file") {
  ProviderRun run("codex-mcp", "codex/.credentials.json",
                  R"({"s|1": {"server_name": "s", "server_url": "https://mcp.example.org/s", "client_id": "c",
      "access_token": "old", "expires_at": 1700000000000, "refresh_token": "REFRESH", "scopes": ["a"]}})",
                  "s|1");
  const ExchangeReport report = run.refresh();
  CHECK(run.sent().at("resource") == "https://mcp.example.org/s");
  CHECK(run.sent().at("client_id") == "c");
  CHECK(std::filesystem::exists(run.home / "codex/mcp-oauth-locks/file-store.lock"));
  const std::string lock = fingerprint(std::string_view("s|1")) + ".lock";
  CHECK(std::filesystem::exists(run.home / ("codex/mcp-oauth-locks/" + lock)));
  const JsonValue file = delivered_by(report, ".credentials.json");
  CHECK(text_of(file, "/s|1/access_token") == text_of(run.document(), "/s|1/access_token"));
  CHECK(json_at(file, "/s|1/refresh_token") == nullptr);
}

TEST_CASE("mcp-remote: its lease is beside the login, by the name that it gives it") {
  const auto provider =
      load_provider(ProviderEntry{"mcp-remote", "", "0a_1_tokens.json"}, {test::providers_of(SOURCE_DIR)});
  REQUIRE(provider);
  CHECK(provider->locks.front().path == "{directory}/0a_1_refresh_in_progress.json");
}

TEST_CASE("mcp-remote: the client is in a file of its own") {
  ProviderRun run(
      "mcp-remote", "v1/00_tokens.json",
      R"({"access_token": "old", "refresh_token": "REFRESH", "expires_in": 3600, "token_type": "Bearer",
      "expires_at": 1700000000000, "scope": "a"})");
  run.request.profile.client_file = run.home.write(
      "v1/00_client_info.json",
      R"({"client_id": "c", "client_secret": "a secret of it", "token_endpoint_auth_method": "client_secret_basic"})");
  run.request.profile.resource = "https://mcp.example.org/x";
  const ExchangeReport report = run.refresh();
  CHECK(run.sent().count("client_id") == 0);
  CHECK(run.endpoint.requests().back().headers.at("authorization") ==
        "Basic YzphJTIwc2VjcmV0JTIwb2YlMjBpdA==");
  CHECK(run.sent().at("resource") == "https://mcp.example.org/x");
  const JsonValue file = delivered_by(report, "00_tokens.json");
  CHECK(text_of(file, "/access_token") == text_of(run.document(), "/access_token"));
  CHECK(text_of(file, "/token_type") == "Bearer");

  run.request.profile.client_file = run.home / "v1/none.json";
  run.request.force = Force::yes;
  const ExchangeReport without = keep_fresh(run.request, [] { return false; });
  REQUIRE(without.failure);
  CHECK(without.failure->message.find("none.json: No such file") != std::string::npos);
  CHECK(without.login);  // the token that there is
}
