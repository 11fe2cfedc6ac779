// SPDX-License-Identifier: Apache-2.0
#include "hook/freshen.h"

#include "support/catch.h"
#include "support/child_process.h"
#include "support/lock_waiter.h"
#include "support/written_host.h"
#include "token/runtime_dir.h"

using namespace oci_oauth;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const Time noon{hours(24 * 365 * 50)};

Published token(Time expires_at) {
  Published published;
  published.obtained_at = noon - hours(4);
  published.due_at = expires_at - hours(1);
  published.expires_at = expires_at;
  return published;
}

Published dead(Published published) {
  published.is_dead = true;
  published.last_error = LastError{FailureKind::login, "the server refused the login", "log in", noon};
  return published;
}

SteadyTime in(seconds time) {
  return std::chrono::steady_clock::now() + time;
}

// A host with a refresh that another process does.
struct RefreshingHost {
  WrittenHost host;
  std::optional<FileLock> lock;

  int begin() {
    auto taken = host.runtime.lock("claude", SteadyTime{});
    REQUIRE(taken);
    return lock.emplace(std::move(*taken)).fd();
  }
  void finish() {
    Published published;
    published.attempts = 1;
    REQUIRE(host.runtime.publish("claude", {published, {}}));
    lock.reset();
  }
  std::string wait(seconds bound) const {
    const RefreshRequest request = {host.runtime, "claude", "/nowhere/config.json", -1, 0};
    const auto waited = wait_for_refresh(request, in(bound));
    return waited ? "through" : waited.error().message;
  }
};

// Made before the refresh begins, so that it does not inherit the lock.
struct WaitingHook {
  explicit WaitingHook(const RefreshingHost& refreshing)
      : process([&] {
          begins.wait();
          return refreshing.wait(seconds(10));
        }) {}
  bool comes_to_wait() const {
    begins.open();
    return test::comes_to_wait(process.pid());
  }

  Gate begins;
  ChildProcess process;
};

}  // namespace

TEST_CASE("a fresh token of an unchanged login needs nothing") {
  CHECK(need_of(token(noon + hours(8)), LoginChange::unchanged, noon) == Need::nothing);
}

TEST_CASE("a token that is due is delivered while a refresh is started") {
  CHECK(need_of(token(noon + hours(1)), LoginChange::unchanged, noon) == Need::refresh);
}

TEST_CASE("an expired token, a changed login and a profile that was never published are waited for") {
  CHECK(need_of(token(noon), LoginChange::unchanged, noon) == Need::wait);
  CHECK(need_of(token(noon + hours(8)), LoginChange::changed, noon) == Need::wait);
  CHECK(need_of(std::nullopt, LoginChange::unchanged, noon) == Need::wait);
}

TEST_CASE("nobody waits for what a refresher would only say again") {
  CHECK(need_of(dead(token(noon)), LoginChange::unchanged, noon) == Need::nothing);
  Published resting = token(noon);
  resting.not_before = noon + std::chrono::minutes(1);
  CHECK(need_of(resting, LoginChange::unchanged, noon) == Need::nothing);
  // A person has logged in again.
  CHECK(need_of(dead(token(noon)), LoginChange::changed, noon) == Need::wait);
}

TEST_CASE("a clock that was set back makes a token due") {
  Published published = token(noon + hours(8));
  published.obtained_at = noon + hours(2);
  CHECK(need_of(published, LoginChange::unchanged, noon) == Need::refresh);
}

TEST_CASE("a valid token is judged by itself, whatever became of the refresh") {
  const auto fresh = judge(token(noon + hours(1)), Error{ErrorKind::temporary, "no answer"}, noon);
  REQUIRE(fresh);
  REQUIRE(fresh->trouble);
  CHECK(fresh->trouble->message == "no answer");
  CHECK_FALSE(judge(token(noon + hours(1)), {}, noon)->trouble);
}

TEST_CASE("without a valid token the reason is the refresh's, else the last attempt's") {
  CHECK(judge(token(noon), Error{ErrorKind::temporary, "no answer"}, noon).error().message == "no answer");
  CHECK(judge(dead(token(noon)), {}, noon).error().message == "the server refused the login");
  CHECK(judge(std::nullopt, {}, noon).error().message == "there is no valid token");
  CHECK(judge(Published{}, {}, noon).error().message == "there is no valid token");
}

TEST_CASE("who waits for a refresh that began earlier waits no longer than who came first") {
  const SteadyTime now{seconds(1000)};
  CHECK(shared_deadline(now + seconds(8), now - seconds(3), now) == now + seconds(5));
  CHECK(shared_deadline(now + seconds(8), now - seconds(20), now) < now);
  CHECK(shared_deadline(now + seconds(8), std::nullopt, now) == now + seconds(8));
}

TEST_CASE("a refresh that has been silent for as long as a hook may wait is not waited for") {
  RefreshingHost refreshing;
  const RefreshMark mark(refreshing.begin(), in(seconds(-10)));
  CHECK(refreshing.wait(seconds(8)) == "no answer from the refresher in time");
}

TEST_CASE("a hook returns when the refresh of another process is through") {
  RefreshingHost refreshing;
  const WaitingHook hook(refreshing);
  {
    const RefreshMark mark(refreshing.begin());
    REQUIRE(hook.comes_to_wait());
  }
  refreshing.finish();
  CHECK(hook.process.answer() == "through");
}

TEST_CASE("a wall clock that leaps while a refresh is under way ends nobody's wait") {
  RefreshingHost refreshing;
  const WaitingHook hook(refreshing);
  const int lock = refreshing.begin();
  // What an attempt that began before a leap of an hour would have by that clock.
  const timespec times[] = {{::time(nullptr) - 3600, 0}, {::time(nullptr) - 3600, 0}};
  REQUIRE(::futimens(lock, times) == 0);
  REQUIRE(hook.comes_to_wait());
  refreshing.finish();
  CHECK(hook.process.answer() == "through");
}

TEST_CASE("a request whose refresher is not installed names it") {
  const WrittenHost host;
  const RefreshRequest request = {host.runtime, "claude", "/nowhere/config.json", -1, 0};
  const auto started = start_refresh(request);
  REQUIRE_FALSE(started);
  CHECK(started.error().message.find("/bin/oci-oauth: No such file or directory") != std::string::npos);
}
