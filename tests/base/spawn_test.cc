// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <signal.h>

#include "base/wait.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

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
  REQUIRE(wait_readable(pipe->reading.get(), std::chrono::steady_clock::now() + 20s));
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

TEST_CASE("both streams and the exit status come back") {
  const auto output = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"}, 20s);
  REQUIRE(output);
  CHECK(output->status == 3);
  CHECK(output->out == "out\n");
  CHECK(output->err == "err\n");
}

TEST_CASE("a program's stdin is empty") {
  const auto output = run_command({"cat"}, 20s);
  REQUIRE(output);
  CHECK(output->out.empty());
}

TEST_CASE("death by a signal is reported as in a shell") {
  const auto output = run_command({"sh", "-c", "kill -TERM $$"}, 20s);
  REQUIRE(output);
  CHECK(output->status == 128 + 15);
}

TEST_CASE("a program that does not end is killed with its children") {
  const auto output = run_command({"sh", "-c", "sleep 100 & sleep 100"}, 100ms);
  REQUIRE_FALSE(output);
  CHECK(output.error().kind == ErrorKind::temporary);
  CHECK(output.error().message == "sh: no answer within 0 s");
}

TEST_CASE("a program that closes its streams and stays is killed as well") {
  const auto output = run_command({"sh", "-c", "exec sleep 100 >&- 2>&-"}, 100ms);
  REQUIRE_FALSE(output);
  CHECK(output.error().kind == ErrorKind::temporary);
}

TEST_CASE("more than can be kept is read and dropped") {
  const auto output = run_command({"head", "-c", "1000000", "/dev/zero"}, 20s);
  REQUIRE(output);
  CHECK(output->status == 0);
  CHECK(output->out.size() == 256 * 1024);
}

TEST_CASE("a program that is not there is not found") {
  const auto output = run_command({"/no/such/program"}, 20s);
  REQUIRE_FALSE(output);
  CHECK(output.error().kind == ErrorKind::not_found);
}
