// SPDX-License-Identifier: Apache-2.0
#include "setup/find_logins.h"

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
    REQUIRE(providers_.failures.empty());
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
    const auto logins = find_logins(
        {directory_.path(), uid, "me", [](const char* name) -> const char* { return ::getenv(name); }},
        providers_.usable);
    const auto found =
        std::ranges::find_if(logins, [&](const auto& login) { return login.provider == provider; });
    REQUIRE(found != logins.end());
    return *found;
  }
  std::string operator/(std::string_view name) const { return directory_ / name; }

 private:
  TempDir directory_;
  Providers providers_;
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

TEST_CASE(
    "the caller's home is in the password database, and sudo's caller is believed only if it is one user") {
  ::unsetenv("SUDO_USER");
  ::unsetenv("SUDO_UID");
  REQUIRE(home_of_caller());
  CHECK(home_of_caller()->uid == ::geteuid());
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
  CHECK(home_of_caller()->environment("CODEX_HOME") == nullptr);
  for (const char* name : {"SUDO_USER", "SUDO_UID", "CODEX_HOME"}) ::unsetenv(name);
}

}  // namespace oci_oauth
