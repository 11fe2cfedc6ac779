// SPDX-License-Identifier: Apache-2.0
#include "setup/configuration.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/catch.h"
#include "support/providers.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth {

namespace fs = std::filesystem;

namespace {

constexpr uid_t somebody = 54321, another = 54322;  // in no passwd

// A home with what the shipped providers' clients keep there.
class Home {
 public:
  Home() : providers_(load_providers({test::providers_of(SOURCE_DIR)})) {
    REQUIRE_FALSE(providers_.empty());
    ::unsetenv("CODEX_HOME");
  }

  std::string put(const std::string& path, std::string_view content) const {
    fs::create_directories(fs::path(directory_ / path).parent_path());
    return directory_.write(path, content);
  }
  // Empty: usable.
  std::string state(std::string_view provider, uid_t uid = ::getuid()) const {
    const FoundLogin login = find(provider, uid);
    return login.usable ? "" : login.usable.error().message;
  }
  FoundLogin find(std::string_view provider, uid_t uid = ::getuid()) const {
    const auto logins = find_all(provider, uid);
    REQUIRE_FALSE(logins.empty());
    return logins.front();
  }
  std::vector<FoundLogin> find_all(std::string_view provider, uid_t uid = ::getuid()) const {
    auto logins = find_logins(
        {directory_.path(), uid, "me", [](const char* name) -> const char* { return ::getenv(name); }},
        providers_, {test::providers_of(SOURCE_DIR)});
    std::erase_if(logins, [&](const auto& login) { return login.provider != provider; });
    return logins;
  }
  std::string operator/(std::string_view name) const { return directory_ / name; }

 private:
  TempDir directory_;
  std::vector<Provider> providers_;
};

}  // namespace

TEST_CASE("a login is where its provider's client keeps it") {
  const Home home;
  home.put(".claude/.credentials.json", R"({"claudeAiOauth": {"refreshToken": "r"}})");
  home.put(".codex/auth.json", R"({"tokens": {"refresh_token": "r"}})");
  home.put(".local/share/opencode/auth.json", R"({"openai": {"refresh": "r"}})");
  home.put(".config/gcloud/application_default_credentials.json", R"({"refresh_token": "r"})");
  home.put(".kimi-code/credentials/kimi-code.json", R"({"refresh_token": "r"})");
  for (const char* provider : {"claude", "codex", "opencode", "gcloud", "kimi"}) {
    INFO(provider);
    CHECK(home.state(provider).empty());
  }
  CHECK(home.find("codex").path == home / ".codex/auth.json");
  CHECK(home.find("grok").usable.error().kind == ErrorKind::not_found);
}

TEST_CASE("each login at an MCP server beside the agent's is one, and what it lacks for a refresh is told") {
  const Home home;
  home.put(".claude/.credentials.json", R"({"claudeAiOauth": {"refreshToken": "r"}, "mcpOAuth": {
      "a/b~\"c|1": {"accessToken": "a", "refreshToken": "r", "clientId": "c", "serverUrl": "https://a"},
      "no client|2": {"accessToken": "a", "refreshToken": "r", "serverUrl": "https://a"},
      "no server|3": {"accessToken": "a", "refreshToken": "r", "clientId": "c"},
      "for now|4": {"accessToken": "a"},
      "not yet|5": {"accessToken": "", "refreshToken": ""},
      "damaged": 7}})");
  const auto logins = home.find_all("claude-mcp");
  std::string told;
  for (const FoundLogin& login : logins)
    told += login.entry + ": " + (login.usable ? login.lacks : login.usable.error().message) + "\n";
  CHECK(told ==
        "a/b~\"c|1: \nno client|2: client\nno server|3: server\nfor now|4: refresh token\nnot yet|5: " +
            (home / ".claude/.credentials.json") + ": 'not yet|5' has no token of claude-mcp\n");
  CHECK(home.find_all("codex-mcp").empty());
  home.put(
      ".codex/.credentials.json",
      R"({"s|1": {"access_token": "a", "refresh_token": "r", "client_id": "c", "server_url": "https://a"}})");
  CHECK(home.find("codex-mcp").entry == "s|1");
  CHECK(home.find("codex-mcp").lacks.empty());
}

TEST_CASE("each file of mcp-remote is a login, with its client beside it") {
  const Home home;
  const std::string complete =
      "{\"access_token\": \"a\", \"refresh_token\": \"r\", \"issuer\": \"https://a\"}";
  home.put(".mcp-auth/mcp-remote-v1/00ff_tokens.json", complete);
  home.put(".mcp-auth/mcp-remote-v1/00ff_client_info.json", R"({"client_id": "c"})");
  home.put(".mcp-auth/mcp-remote-0.1.37/11ee_tokens.json", complete);
  const auto logins = home.find_all("mcp-remote");
  REQUIRE(logins.size() == 2);
  CHECK(logins[0].path == home / ".mcp-auth/mcp-remote-0.1.37/11ee_tokens.json");
  CHECK(logins[0].client_file.empty());
  CHECK(logins[0].lacks == "client");
  CHECK(logins[1].client_file == home / ".mcp-auth/mcp-remote-v1/00ff_client_info.json");
  CHECK(logins[1].lacks.empty());
}

TEST_CASE("a variable that names an absolute directory moves a login") {
  const Home home;
  const std::string path = home.put("elsewhere/auth.json", R"({"tokens": {"refresh_token": "r"}})");
  ::setenv("CODEX_HOME", (home / "elsewhere").c_str(), 1);
  CHECK(home.find("codex").path == path);
  CHECK(home.state("codex").empty());
  for (const char* relative : {"elsewhere", ""}) {
    ::setenv("CODEX_HOME", relative, 1);
    CHECK(home.find("codex").path == home / ".codex/auth.json");
  }
  ::unsetenv("CODEX_HOME");
}

TEST_CASE("a document without a refresh token is not a login") {
  const Home home;
  for (const char* text :
       {R"({"OPENAI_API_KEY": "k", "tokens": null})", R"({"tokens": {"refresh_token": ""}})",
        R"({"tokens": {"refresh_token": 7}})", "[]"}) {
    INFO(text);
    const std::string path = home.put(".codex/auth.json", text);
    CHECK(home.state("codex") == path + ": has no refresh token of codex");
  }
  const std::string path = home.put(".codex/auth.json", "{");
  CHECK(home.state("codex").starts_with(path + ":1:2: not JSON"));
  fs::remove(path);
  fs::create_directory(path);
  CHECK(home.state("codex").starts_with(path + ": is a directory"));
}

TEST_CASE("a file or a link that another user made is not a login") {
  if (without_root()) return;
  const Home home;
  const std::string path = home.put(".codex/auth.json", R"({"tokens": {"refresh_token": "r"}})");
  REQUIRE(::chown(path.c_str(), somebody, somebody) == 0);
  CHECK(home.state("codex", somebody).empty());
  CHECK(home.state("codex", another) == path + ": uid 54321 could have put it there");
  const std::string link = home / ".grok";
  fs::create_symlink(home / ".codex", link);
  REQUIRE(::lchown(link.c_str(), somebody, somebody) == 0);
  CHECK(home.find("grok", somebody).usable.error().message.ends_with("has no refresh token of grok"));
  CHECK(home.state("grok", another) == link + "/auth.json: uid 54321 could have put it there");
}

TEST_CASE("the caller's home is where the caller's programs find it, or else in the password database") {
  ::unsetenv("SUDO_USER");
  ::unsetenv("SUDO_UID");
  const std::string own = ::getenv("HOME") == nullptr ? "" : ::getenv("HOME");
  ::setenv("HOME", "/srv/me", 1);
  REQUIRE(home_of_caller());
  CHECK(home_of_caller()->directory == "/srv/me");
  CHECK(home_of_caller()->uid == ::geteuid());
  for (const char* not_absolute : {"", "me"}) {
    ::setenv("HOME", not_absolute, 1);
    const passwd* entry = ::getpwuid(::geteuid());
    CHECK((entry == nullptr ? !home_of_caller() : home_of_caller()->directory == entry->pw_dir));
  }
  ::setenv("HOME", own.c_str(), 1);
}

TEST_CASE("sudo's caller is believed only if it is one user, and has a home in the password database") {
  if (without_root()) return;
  ::setenv("SUDO_USER", "daemon", 1);
  for (const char* uid : {"0", "", "1x", "99999"}) {
    ::setenv("SUDO_UID", uid, 1);
    REQUIRE_FALSE(home_of_caller());
    CHECK(home_of_caller().error().kind == ErrorKind::usage);
  }
  ::setenv("SUDO_UID", "1", 1);
  ::setenv("CODEX_HOME", "/root/x", 1);
  REQUIRE(home_of_caller());
  CHECK(home_of_caller()->user == "daemon");
  CHECK(home_of_caller()->directory == ::getpwnam("daemon")->pw_dir);
  CHECK(home_of_caller()->environment("CODEX_HOME") == nullptr);
  for (const char* name : {"SUDO_USER", "SUDO_UID", "CODEX_HOME"}) ::unsetenv(name);
}

}  // namespace oci_oauth
