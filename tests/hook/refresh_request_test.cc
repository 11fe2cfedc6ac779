// SPDX-License-Identifier: Apache-2.0
#include "hook/refresh_request.h"

#include "support/catch.h"
#include "support/child_process.h"
#include "support/lock_waiter.h"
#include "support/written_host.h"
#include "token/refresh_mark.h"

using namespace oci_oauth;

namespace {

using std::chrono::seconds;

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
