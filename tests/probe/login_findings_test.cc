// SPDX-License-Identifier: Apache-2.0
#include "probe/login_findings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/command_output.h"
#include "exchange/journal.h"
#include "support/catch.h"
#include "support/overviews.h"
#include "support/providers.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

using test::noon;
constexpr std::int64_t noon_ms = noon.time_since_epoch().count();

std::string claude_login(std::string_view more = "") {
  return R"({"claudeAiOauth":{"accessToken":"access","refreshToken":"refresh","expiresAt":)" +
         std::to_string(noon_ms + 3'600'000) + std::string(more) + "}}";
}

struct LoginScene {
  TempDir home;
  Profile profile;
  Provider provider;

  explicit LoginScene(const std::string& text = claude_login()) {
    auto loaded = load_provider("claude", {test::providers_of(SOURCE_DIR)});
    REQUIRE(loaded);
    provider = std::move(*loaded);
    profile.name = "claude";
    profile.credentials = home.write("login", text);
    REQUIRE(::chmod(profile.credentials.c_str(), 0600) == 0);
  }
  Findings findings() const { return examine_login(profile, provider, noon); }
  // The only finding that is not all right.
  Finding finding() const {
    const Findings found = findings();
    REQUIRE(found.size() == 1);
    CHECK(found.front().check == "login 'claude'");
    return found.front();
  }
};

}  // namespace

TEST_CASE("a login as it should be is praised with its place, owner and mode") {
  const LoginScene scene;
  CHECK(scene.finding().verdict == Verdict::ok);
  CHECK_THAT(scene.finding().message, Contains(scene.profile.credentials) && Contains("mode 0600"));
}

TEST_CASE("a login that is not there, or is not a file, is the only finding") {
  LoginScene scene;
  SECTION("missing") {
    scene.profile.credentials = scene.home / "missing";
  }
  SECTION("a directory") {
    scene.profile.credentials = scene.home.path();
  }
  CHECK(scene.finding().verdict == Verdict::problem);
  CHECK_THAT(scene.finding().remedy, Contains("log in first"));
}

TEST_CASE("a text that is not a login is named") {
  const LoginScene scene("{");
  CHECK(scene.finding().verdict == Verdict::problem);
  CHECK_THAT(scene.finding().message, Contains(scene.profile.credentials));
}

TEST_CASE("a login that others may read is a warning with the command that closes it") {
  const LoginScene scene;
  REQUIRE(::chmod(scene.profile.credentials.c_str(), 0644) == 0);
  CHECK(scene.finding().verdict == Verdict::warning);
  CHECK(scene.finding().remedy == "chmod 0600 " + scene.profile.credentials);
}

TEST_CASE("a hint is a command for the login's file, whatever its name") {
  LoginScene scene;
  scene.profile.credentials = scene.home.write("a 'b'; rm login", claude_login());
  REQUIRE(::chmod(scene.profile.credentials.c_str(), 0644) == 0);
  const auto typed = run_command({"sh", "-c", scene.finding().remedy}, 30s);
  REQUIRE(typed);
  CHECK(typed->status == 0);
  CHECK(scene.finding().verdict == Verdict::ok);
}

TEST_CASE("a login with a second name is a warning: a refresh replaces one of them") {
  const LoginScene scene;
  REQUIRE(::link(scene.profile.credentials.c_str(), (scene.home / "second").c_str()) == 0);
  CHECK(scene.finding().verdict == Verdict::warning);
  CHECK_THAT(scene.finding().message, Contains("has 2 hard links"));
}

TEST_CASE("a login without a refresh token, or past its own end, is told what to do") {
  SECTION("without") {
    const LoginScene scene(R"({"claudeAiOauth":{"accessToken":"access","expiresAt":)" +
                           std::to_string(noon_ms + 3'600'000) + "}}");
    CHECK(scene.finding().verdict == Verdict::warning);
    CHECK_THAT(scene.finding().message, Contains("no refresh token"));
  }
  SECTION("past its end") {
    const LoginScene scene(claude_login(",\"refreshTokenExpiresAt\":" + std::to_string(noon_ms)));
    CHECK(scene.finding().verdict == Verdict::problem);
    CHECK_THAT(scene.finding().message, Contains("expired at 2026-11-24T12:00:00Z"));
  }
}

TEST_CASE("what an interrupted refresh left in the journal is a warning, what is no journal a problem") {
  const LoginScene scene;
  const std::string journal = journal_name("login");
  SECTION("a journal") {
    (void)scene.home.write(journal, "x");
    CHECK(scene.finding().verdict == Verdict::warning);
    CHECK(scene.finding().remedy == "oci-oauth refresh claude");
  }
  SECTION("an empty one is what a refresh leaves") {
    (void)scene.home.write(journal, "");
    CHECK(scene.finding().verdict == Verdict::ok);
  }
  SECTION("a directory") {
    REQUIRE(::mkdir((scene.home / journal).c_str(), 0700) == 0);
    CHECK(scene.finding().verdict == Verdict::problem);
  }
}
