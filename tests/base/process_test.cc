// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a process is named by its pid and start time") {
  const auto self = identify_process(::getpid());
  REQUIRE(self);
  CHECK(is_running(*self));
  CHECK_FALSE(is_running({self->pid, self->start_time + 1}));
}

TEST_CASE("a watched process is gone from its end on, also before its parent takes notice") {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  const auto id = identify_process(child);
  REQUIRE(id);
  const WatchedProcess watched(*id);
  CHECK(watched.is_running());
  ::kill(child, SIGKILL);
  siginfo_t end = {};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(watched.is_running());
  ::waitpid(child, nullptr, 0);
  CHECK_FALSE(watched.is_running());
}

TEST_CASE("nobody's pid is not found") {
  const auto nobody = identify_process(0);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().kind == ErrorKind::not_found);
  CHECK_FALSE(WatchedProcess({}).is_running());
}

TEST_CASE("a program's name cannot forge its start time") {
  const auto before = identify_process(::getpid());
  char name[16] = "";
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a) b) S 1 2 3");
  const auto renamed = identify_process(::getpid());
  ::prctl(PR_SET_NAME, name);
  REQUIRE((before && renamed));
  CHECK(*renamed == *before);
}
