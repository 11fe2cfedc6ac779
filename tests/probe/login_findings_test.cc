// SPDX-License-Identifier: Apache-2.0
#include "probe/login_findings.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "base/spawn.h"
#include "exchange/journal.h"
#include "support/catch.h"
#include "support/overviews.h"
#include "support/providers.h"
#include "support/record_equal.h"
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

struct LockScene {
  TempDir home;
  Profile profile;
  Provider provider;

  LockScene() {
    profile.name = "claude";
    profile.credentials = home.write("login", "{}");
    provider.save_locks = {{"{directory}/login.lock", 10s}};
  }
  std::string lock() const { return home / "login.lock"; }
  // A lock directory that was touched so long before noon.
  void lock_since(Milliseconds age) const {
    REQUIRE(::mkdir(lock().c_str(), 0700) == 0);
    const auto touched = std::chrono::floor<std::chrono::seconds>(noon - age).time_since_epoch().count();
    const timeval times[] = {{touched, 0}, {touched, 0}};
    REQUIRE(::utimes(lock().c_str(), times) == 0);
  }
  Finding finding() const {
    const Findings found = examine_locks(profile, provider, noon);
    REQUIRE(found.size() == 1);
    CHECK(found.front().check == "locks of 'claude'");
    return found.front();
  }
};

// A profile's endpoint, and what it answers.
struct EndpointScene {
  Profile profile;
  Provider provider;
  RequestResult answer = HttpReply{.status = 405, .date = "Tue, 24 Nov 2026 12:00:00 GMT"};
  mutable std::vector<std::string> methods, urls, agents;

  EndpointScene() {
    profile.name = "claude";
    provider.token_url = "https://provider.example/token";
    provider.user_agent = "agent/1";
  }
  Finding finding() {
    const Finding found = examine_endpoint(profile, provider, noon, [this](const HttpRequest& request) {
      methods.push_back(request.method);
      urls.push_back(request.url);
      agents.push_back(request.user_agent);
      return std::move(answer);
    });
    CHECK(found.check == "token endpoint of 'claude'");
    return found;
  }
  // With the server's clock at `date`.
  Finding at(std::string date) {
    answer = HttpReply{.status = 200, .date = std::move(date)};
    return finding();
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

TEST_CASE("no lock, and one that somebody holds, are as they should be") {
  LockScene scene;
  CHECK(scene.finding().verdict == Verdict::ok);
  scene.lock_since(5s);
  CHECK(scene.finding().verdict == Verdict::ok);
}

TEST_CASE("a provider without locks is not reported") {
  LockScene scene;
  scene.provider.save_locks.clear();
  CHECK(examine_locks(scene.profile, scene.provider, noon).empty());
}

TEST_CASE("a lock that nobody has touched for long was left behind") {
  const LockScene scene;
  scene.lock_since(11s);
  const Finding finding = scene.finding();
  CHECK(finding.verdict == Verdict::warning);
  CHECK_THAT(finding.message, Contains("was left behind 11 s ago"));
  CHECK(finding.remedy == "rmdir " + scene.lock());
}

TEST_CASE("a lock from the future holds others up; a few seconds are how one that is alive is rounded") {
  LockScene scene;
  SECTION("hours") {
    scene.lock_since(-2h);
    CHECK(scene.finding().verdict == Verdict::warning);
    CHECK_THAT(scene.finding().message, Contains("2 h"));
  }
  SECTION("seconds") {
    scene.lock_since(-5s);
    CHECK(scene.finding().verdict == Verdict::ok);
  }
}

TEST_CASE("a file in a lock's place is a lock that nobody can take") {
  const LockScene scene;
  (void)scene.home.write("login.lock", "");
  const Finding finding = scene.finding();
  CHECK(finding.verdict == Verdict::problem);
  CHECK(finding.remedy == "rm " + scene.lock());
}

TEST_CASE("locks are beside the login itself, not beside a link to it") {
  LockScene scene;
  scene.lock_since(11s);
  const TempDir elsewhere;
  REQUIRE(::symlink(scene.profile.credentials.c_str(), (elsewhere / "link").c_str()) == 0);
  scene.profile.credentials = elsewhere / "link";
  CHECK(scene.finding().verdict == Verdict::warning);
}

TEST_CASE("any answer shows that the endpoint is there, and nothing is sent to it") {
  EndpointScene scene;
  CHECK(scene.finding() ==
        Finding{"token endpoint of 'claude'", Verdict::ok,
                "https://provider.example/token: answers, its certificate is trusted, and the "
                "clocks agree",
                ""});
  CHECK(scene.methods == std::vector<std::string>{"HEAD"});
  CHECK(scene.agents == std::vector<std::string>{"agent/1"});
}

TEST_CASE("a profile's own endpoint is the one that is asked") {
  EndpointScene scene;
  scene.profile.token_url = "http://127.0.0.1:8080/token";
  CHECK(scene.at("").message == "http://127.0.0.1:8080/token: answers");
  CHECK(scene.urls == std::vector<std::string>{"http://127.0.0.1:8080/token"});
}

TEST_CASE("clocks that differ by a minute or more are a warning, in either direction") {
  EndpointScene scene;
  CHECK(scene.at("Tue, 24 Nov 2026 11:59:01 GMT").verdict == Verdict::ok);
  CHECK(scene.at("Tue, 24 Nov 2026 12:00:59 GMT").verdict == Verdict::ok);
  const Finding ahead = scene.at("Tue, 24 Nov 2026 11:59:00 GMT");
  CHECK(ahead.verdict == Verdict::warning);
  CHECK_THAT(ahead.message, Contains("this host's clock is 1 min ahead of the server's"));
  CHECK(ahead.remedy == "sudo timedatectl set-ntp true");
  CHECK_THAT(scene.at("Tue, 24 Nov 2026 14:00:00 GMT").message, Contains("2 h 0 min behind the server's"));
}

TEST_CASE("a server that does not say what time it is has no clock to compare") {
  EndpointScene scene;
  CHECK(scene.at("yesterday").message ==
        "https://provider.example/token: answers, its certificate is trusted");
}

TEST_CASE("an endpoint that cannot be reached is a problem with the reason") {
  EndpointScene scene;
  scene.answer = RequestFailure{RequestFailure::Sent::no, "connect to provider.example:443: timed out"};
  CHECK(scene.finding().verdict == Verdict::problem);
  scene.answer = RequestFailure{RequestFailure::Sent::no, "connect to provider.example:443: timed out"};
  CHECK(scene.finding().message == "connect to provider.example:443: timed out");
}

TEST_CASE("a URL that may not be asked is a problem, and nothing is asked") {
  EndpointScene scene;
  scene.provider.token_url = "http://provider.example/token";
  CHECK_THAT(scene.finding().message,
             Contains("token_url: ") && Contains("neither https nor http to a loopback"));
  CHECK(scene.methods.empty());
}
