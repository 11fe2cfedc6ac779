// SPDX-License-Identifier: Apache-2.0
#include "base/child.h"

#include <signal.h>
#include <sys/wait.h>

#include <stdexcept>

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

SteadyTime after(Milliseconds delay) {
  return std::chrono::steady_clock::now() + delay;
}

int hang() {
  while (true) ::pause();
}

bool is_child_of_ours(pid_t pid) {
  siginfo_t end = {};
  return ::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT | WNOHANG) == 0;
}

}  // namespace

TEST_CASE("what a child's function returns is its exit status") {
  auto child = run_in_child([] { return 7; });
  REQUIRE(child);
  CHECK(child->wait().code() == 7);
  CHECK_FALSE(*child);
}

TEST_CASE("a child is waited for even if the caller ignored such signals") {
  ::signal(SIGCHLD, SIG_IGN);
  auto child = run_in_child([] { return 7; });
  REQUIRE(child);
  CHECK(child->wait().code() == 7);
}

TEST_CASE("an exception in a child does not reach what its parent has to do") {
  auto child = run_in_child([]() -> int { throw std::runtime_error("x"); });
  REQUIRE(child);
  CHECK(child->wait().code() == 1);
}

TEST_CASE("a child that runs at the deadline is left running, and its end is seen once") {
  auto child = run_in_child(hang);
  REQUIRE(child);
  CHECK_FALSE(child->wait_until(SteadyTime{}));
  CHECK_FALSE(child->wait_until(after(10ms)));
  child->signal(SIGKILL);
  const auto end = child->wait_until(after(20s));
  REQUIRE(end);
  CHECK(end->signal() == SIGKILL);
  CHECK(end->code() == 128 + SIGKILL);
  CHECK(child->wait().code() == 0);
}

TEST_CASE("a child that goes out of scope is killed and collected") {
  pid_t pid = 0;
  {
    auto child = run_in_child(hang);
    REQUIRE(child);
    pid = child->pid();
    CHECK(is_child_of_ours(pid));
  }
  CHECK_FALSE(is_child_of_ours(pid));
}

TEST_CASE("a child that is released is somebody else's to collect") {
  auto child = run_in_child([] { return 0; });
  REQUIRE(child);
  const pid_t pid = child->pid();
  child->release();
  *child = Child();
  CHECK(::waitpid(pid, nullptr, 0) == pid);
}
