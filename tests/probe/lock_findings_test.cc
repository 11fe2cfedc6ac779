// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/time.h>

#include "probe/login_findings.h"
#include "support/catch.h"
#include "support/overviews.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

using test::noon;

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

}  // namespace

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
