// SPDX-License-Identifier: Apache-2.0
#include "setup/engine.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

void task(const TempDir& machine, const std::string& id, const std::string& file, const std::string& text,
          const std::string& state = "run/containerd") {
  const std::string bundle = state + "/io.containerd.runtime.v2.task/moby/" + id;
  std::filesystem::create_directories(machine / bundle);
  machine.write(bundle + "/" + file, text);
}

}  // namespace

TEST_CASE("a container that was started through the wrapper is recognised by its shim's records") {
  const TempDir machine;
  task(machine, "b", "runtime", "/usr/bin/oci-oauth-runtime");
  task(machine, "a", "options.json", R"({"binary_name": "/opt/bin/oci-oauth-runtime"})");
  task(machine, "c", "runtime", "/usr/bin/runc");
  task(machine, "d", "options.json", "[");
  task(machine, "e", "runtime", "/usr/bin/oci-oauth-runtime", "run/docker/containerd/daemon");
  const auto host = open_host(machine.path());
  REQUIRE(host);
  CHECK(containers_run_by_wrapper(*host) == std::vector<std::string>{"a", "b", "e"});
}

TEST_CASE("the wrapper is recognised by its name, wherever it is installed") {
  CHECK(is_wrapper("/usr/local/bin/oci-oauth-runtime"));
  CHECK(is_wrapper("oci-oauth-runtime"));
  CHECK_FALSE(is_wrapper("/usr/bin/not-oci-oauth-runtime"));
  CHECK_FALSE(is_wrapper(""));
}
