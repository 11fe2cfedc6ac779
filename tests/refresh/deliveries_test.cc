// SPDX-License-Identifier: Apache-2.0
// Sweeping: containers that ended without a poststop hook.
#include <sys/wait.h>
#include <unistd.h>

#include "refresh/deliveries.h"
#include "support/written_host.h"

using namespace oci_oauth;

namespace {

ProcessId a_gone_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const auto process = identify_process(child);
  ::waitpid(child, nullptr, 0);
  REQUIRE(process);
  return *process;
}

}  // namespace

TEST_CASE("a container that is gone is forgotten, with what was written for it") {
  const WrittenHost host;
  host.container("gone", a_gone_process());
  host.file("token", "sk-ant-oat01-x");
  host.file("notes", "mine");
  CHECK(sweep_records(host.runtime) == 1);
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK(host.has("notes"));
}

TEST_CASE("a running container stays, also under a pid that another process had before") {
  const WrittenHost host;
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(sweep_records(host.runtime) == 0);
  CHECK(host.knows("running"));
  CHECK(host.has("token"));

  ProcessId reused = this_process();
  --reused.start_time;
  host.container("reused", reused);
  CHECK(sweep_records(host.runtime) == 1);
  CHECK_FALSE(host.knows("reused"));
}
