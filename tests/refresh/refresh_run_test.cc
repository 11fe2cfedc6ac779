// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresh_run.h"

#include <fcntl.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

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
