// SPDX-License-Identifier: Apache-2.0
#include "base/file_lock.h"

#include <sys/wait.h>

#include "support/catch.h"
#include "support/lock_waiter.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("a lock that is held stops a caller who does not wait") {
  const TempDir dir;
  const FileAt file = {.path = dir / "lock"};
  const auto held = FileLock::acquire(file, LockMode::exclusive, SteadyTime{});
  REQUIRE(held);
  CHECK(FileLock::acquire(file, LockMode::exclusive, SteadyTime{}).error().kind == ErrorKind::temporary);
  CHECK(FileLock::acquire(file, LockMode::shared, std::chrono::steady_clock::now() + 30ms).error().kind ==
        ErrorKind::temporary);
}

TEST_CASE("a waiter gets the lock when its holder ends, however it ends") {
  const TempDir dir;
  const FileAt file = {.path = dir / "lock"};
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const auto lock = FileLock::acquire(file, LockMode::exclusive, SteadyTime{});
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  const pid_t waiter = ::fork();
  if (waiter == 0) {
    const auto lock = FileLock::acquire(file, LockMode::shared, std::chrono::steady_clock::now() + 10s);
    ::_exit(lock ? 0 : 1);
  }
  CHECK(test::comes_to_wait(waiter));
  ::kill(holder, SIGKILL);
  int status = -1;
  ::waitpid(waiter, &status, 0);
  CHECK(status == 0);
  ::waitpid(holder, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}
