// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include "support/catch.h"
#include "support/child_process.h"
#include "support/written_host.h"

using namespace oci_oauth;

namespace {

const Log poststop_log = Log::to_syslog("poststop_test");

ProcessId a_dead_process() {
  const ChildProcess child([] { return "done"; });
  return *identify_process(child.pid());
}

struct StoppingHost : WrittenHost {
  void stop(const std::string& id, const std::string& bundle) const {
    Config config;
    config.runtime_dir = root / "run";
    const ContainerState state = {id, 0, bundle};
    poststop({config, {}, state, poststop_log});
  }
};

}  // namespace

TEST_CASE("the end of a container takes its files and its record away") {
  const StoppingHost host;
  host.container("box", a_dead_process());
  host.file("token", "sk-ant-oat01-x");
  host.stop("box", "/bundles/box");
  CHECK_FALSE(host.has("token"));
  CHECK_FALSE(host.knows("box"));
}

TEST_CASE("the end of a container leaves another one of its id alone") {
  const StoppingHost host;
  host.container("box", a_dead_process());
  host.file("token", "sk-ant-oat01-x");
  host.stop("box", "/bundles/other");
  CHECK(host.has("token"));
  CHECK(host.knows("box"));
}

TEST_CASE("a directory that another running container has too keeps its files") {
  const StoppingHost host;
  host.container("box", a_dead_process());
  host.container("other", this_process());
  host.file("token", "sk-ant-oat01-x");
  host.stop("box", "/bundles/box");
  CHECK(host.has("token"));
  CHECK_FALSE(host.knows("box"));
  CHECK(host.knows("other"));
}

TEST_CASE("the end of a container that has no record is nobody's business") {
  const StoppingHost host;
  host.stop("unknown", "/bundles/unknown");
  CHECK(host.ledger().list()->records.empty());
}
