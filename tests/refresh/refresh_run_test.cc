// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresh_run.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Patience long_patience = {20s, 30s};

// Until somebody ends the process.
int hang() {
  while (true) ::pause();
}

}  // namespace

TEST_CASE("a lock that was handed down is held on, and is closed on exec") {
  const TempDir directory;
  const auto runtime = RuntimeDir::open(directory / "run");
  REQUIRE(runtime);
  auto held = runtime->lock("claude", SteadyTime{});
  REQUIRE(held);
  const int handed_down = ::dup(held->fd());
  const auto lock = inherited_lock(*runtime, "claude", handed_down);
  REQUIRE(lock);
  CHECK(lock->fd() == handed_down);
  CHECK((::fcntl(handed_down, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("another profile's lock, or no descriptor, is refused") {
  const TempDir directory;
  const auto runtime = RuntimeDir::open(directory / "run");
  REQUIRE(runtime);
  REQUIRE(runtime->lock("claude", SteadyTime{}));
  auto other = runtime->lock("other", SteadyTime{});
  REQUIRE(other);
  for (const int fd : {other->fd(), 1000}) {
    const auto lock = inherited_lock(*runtime, "claude", fd);
    REQUIRE_FALSE(lock);
    CHECK(lock.error().kind == ErrorKind::usage);
    CHECK(lock.error().message ==
          "descriptor " + std::to_string(fd) + " is not " + (directory / "run/locks/claude"));
  }
}

TEST_CASE("each job's result is its own, in their order") {
  const auto results =
      run_side_by_side({[] { return 3; }, [] { return 0; }, [] { return 4; }}, long_patience);
  REQUIRE(results.size() == 3);
  CHECK(results[0] == 3);
  CHECK(results[1] == 0);
  CHECK(results[2] == 4);
}

TEST_CASE("a job that waits for another one succeeds, because none delays another") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto waits = [&] {
    char byte = 0;
    return ::read(ends[0], &byte, 1) == 1 ? 7 : 1;
  };
  const auto writes = [&] { return ::write(ends[1], "x", 1) == 1 ? 8 : 1; };
  const auto results = run_side_by_side({waits, writes}, long_patience);
  CHECK(results[0] == 7);
  CHECK(results[1] == 8);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE(
    "a hanging job is asked to end, one that does not end is killed, and the others have their results") {
  const auto deaf = [] {
    ::signal(SIGTERM, SIG_IGN);
    return hang();
  };
  const auto polite = [] {
    ::signal(SIGTERM, [](int) { ::_exit(9); });
    return hang();
  };
  const auto results = run_side_by_side({deaf, [] { return 5; }, polite}, {100ms, 300ms});
  CHECK_FALSE(results[0]);
  CHECK(results[1] == 5);
  CHECK(results[2] == 9);
}

TEST_CASE("nothing to do is done at once") {
  CHECK(run_side_by_side({}, long_patience).empty());
}
