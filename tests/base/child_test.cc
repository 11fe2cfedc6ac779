// SPDX-License-Identifier: Apache-2.0
#include "base/child.h"

#include <signal.h>
#include <sys/wait.h>

#include <stdexcept>

#include "base/poll.h"
#include "base/spawn.h"
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

TEST_CASE("the end of a program is the end of its process group") {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  // The second sleep has the pipe as well: it ends once both are gone.
  auto child = spawn({"sh", "-c", "sleep 1000 & echo; exec sleep 1000"}, {.output = pipe->writing.get()});
  REQUIRE(child);
  pipe->writing.reset();
  char byte = 0;
  REQUIRE(::read(pipe->reading.get(), &byte, 1) == 1);
  CHECK(child->end().signal() == SIGKILL);
  REQUIRE(wait_readable(pipe->reading.get(), after(20s)));
  CHECK(::read(pipe->reading.get(), &byte, 1) == 0);
}

TEST_CASE("a program has default signals, a session of its own and no descriptor but what it is given") {
  const auto ignored = ::signal(SIGUSR1, SIG_IGN);
  const UniqueFd inherited(::dup(2)), given(::dup(2));
  auto pipe = make_pipe();
  REQUIRE(pipe);
  const auto seen = [&](const std::vector<int>& kept) {
    auto child = spawn({"sh", "-c", "kill -USR1 $$; exit 0"}, {.kept = kept});
    REQUIRE(child);
    CHECK(::getsid(child->pid()) == child->pid());
    CHECK(child->wait().signal() == SIGUSR1);
    child = spawn({"sh", "-c", "test -e /dev/fd/" + std::to_string(given.get())}, {.kept = kept});
    REQUIRE(child);
    return child->wait().code() == 0;
  };
  CHECK_FALSE(seen({}));
  CHECK(seen({given.get()}));
  ::signal(SIGUSR1, ignored);
}

TEST_CASE("starting a program that is not there names it") {
  const auto child = spawn({"/no/such/program"}, {});
  REQUIRE_FALSE(child);
  CHECK(child.error().kind == ErrorKind::not_found);
  CHECK(child.error().message == "/no/such/program: No such file or directory");
}
