// SPDX-License-Identifier: Apache-2.0
#include "base/command_output.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

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
