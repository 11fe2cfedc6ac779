// SPDX-License-Identifier: Apache-2.0
#include "serve/refresh_schedule.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;
const SteadyTime start{100h};

Instant at(Milliseconds since_start) {
  return {noon + since_start, start + since_start};
}

const FileStamp old_login = {.device = 1, .inode = 1, .size = 1, .mtime_ns = 1};
const FileStamp new_login = {.device = 1, .inode = 2, .size = 1, .mtime_ns = 2};

// A token that was obtained an hour ago and is due then.
ProfileSight sight(Time due_at, const FileStamp& login = old_login) {
  ProfileSight seen = {"claude", {}, login};
  seen.published.login = old_login;
  seen.published.obtained_at = noon - 1h;
  seen.published.due_at = due_at;
  seen.published.expires_at = due_at + 1h;
  seen.published.attempts = 3;
  return seen;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a token that is due is refreshed, one that is not is looked at again when it is") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look_at() == start + 1s);
  CHECK(schedule.look({sight(noon + 20min)}, at(1s)).empty());
  CHECK(schedule.look_at() == start + 2s);
  CHECK(schedule.look({sight(noon + 1500ms)}, at(1s)).empty());
  CHECK(schedule.look_at() == start + 1500ms);
  CHECK(schedule.look({sight(noon + 1500ms)}, at(1500ms)) == Names{"claude"});
}

TEST_CASE("a profile whose refresh is under way is left alone") {
  RefreshSchedule schedule(start);
  schedule.begin("claude", 3);
  CHECK(schedule.look({sight(noon)}, at(1s)).empty());
  CHECK_FALSE(schedule.is_idle(at(1h)));
}

TEST_CASE("after a refresh there is a pause, and a longer one after a failure") {
  for (const auto& [went_well, pause] : {std::pair{true, 1s}, std::pair{false, 60s}}) {
    RefreshSchedule schedule(start);
    schedule.begin("claude", 2);
    schedule.end("claude", went_well, 3, start);
    CHECK(schedule.look_at() == start);
    CHECK(schedule.look({sight(noon)}, at(pause - 1ms)).empty());
    CHECK(schedule.look({sight(noon)}, at(pause)) == Names{"claude"});
  }
}

TEST_CASE("a refresh that failed without an attempt is not started again for the same token") {
  RefreshSchedule schedule(start);
  schedule.begin("claude", 3);
  schedule.end("claude", false, 3, start);
  CHECK(schedule.look({sight(noon)}, at(10min)).empty());
  CHECK(schedule.is_idle(at(10min)));
  SECTION("but for a login that has changed") {
    CHECK(schedule.look({sight(noon, new_login)}, at(10min)) == Names{"claude"});
  }
}

TEST_CASE("a login that changed is tried once, also when that leaves what is published as it was") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 5h, new_login)}, at(1s)) == Names{"claude"});
  schedule.begin("claude", 3);
  schedule.end("claude", true, 4, start + 2s);
  CHECK(schedule.look({sight(noon + 5h, new_login)}, at(1min)).empty());
}

TEST_CASE("a login that changes while it is refreshed is tried after that refresh") {
  RefreshSchedule schedule(start);
  schedule.begin("claude", 3);
  CHECK(schedule.look({sight(noon + 5h, new_login)}, at(1s)).empty());
  schedule.end("claude", true, 4, start + 2s);
  CHECK(schedule.look({sight(noon + 5h, new_login)}, at(3s)) == Names{"claude"});
}

TEST_CASE("a login that cannot be seen has not changed") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 5h, FileStamp{})}, at(1s)).empty());
  ProfileSight unseen = sight(noon + 5h, new_login);
  unseen.published.login_is_visible = false;
  CHECK(schedule.look({unseen}, at(1s)).empty());
}

TEST_CASE("the wall clock leaps ahead, as after suspend: the token is refreshed at the next look") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 20min)}, at(11s)).empty());
  CHECK(schedule.look_at() <= start + 11s + 30s);
  CHECK(schedule.look({sight(noon + 20min)}, {noon + 3h, start + 41s}) == Names{"claude"});
}

TEST_CASE("the wall clock is set back: looks go on by the other clock, and the token is due") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 20min)}, at(11s)).empty());
  CHECK(schedule.look({sight(noon + 20min)}, {noon - 5h, start + 41s}) == Names{"claude"});
  CHECK(schedule.look_at() > start + 41s);
}

TEST_CASE("a server stays for a while after a caller, and as long as a token needs it before the next tick") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 5h)}, at(1s)).empty());
  CHECK_FALSE(schedule.is_idle(at(10s - 1ms)));
  CHECK(schedule.is_idle(at(10s)));
  schedule.note_caller(start + 10s);
  CHECK_FALSE(schedule.is_idle(at(20s - 1ms)));
  CHECK(schedule.is_idle(at(20s)));
  CHECK(schedule.look({sight(noon + 20min)}, at(20s)).empty());
  CHECK_FALSE(schedule.is_idle(at(20s)));
}

TEST_CASE("a publication brings the next look forward") {
  RefreshSchedule schedule(start);
  CHECK(schedule.look({sight(noon + 5h)}, at(11s)).empty());
  CHECK(schedule.look_at() == start + 41s);
  schedule.note_publication(start + 12s);
  CHECK(schedule.look_at() == start + 12s);
}
