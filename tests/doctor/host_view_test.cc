// SPDX-License-Identifier: Apache-2.0
#include "doctor/host_view.h"

#include <sys/mount.h>

#include <algorithm>
#include <filesystem>

#include "support/catch.h"
#include "support/container.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

TEST_CASE("a container is stranded once the share that it mounts is removed, and only then") {
  if (without_root()) return;
  const TempDir user;
  const std::string runtime_dir = user / "oci-oauth", share = runtime_dir + "/share/claude";
  const std::string target = user / "target";
  std::filesystem::create_directories(share);
  std::filesystem::create_directory(target);
  const Container container(Mapping{"0 0 1"}, [&] {
    if (::mount(share.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) return failed("mount");
    return std::string("mounted");
  });
  REQUIRE(container.ready());
  const StrandedContainer expected = {container.pid(), target};
  const auto is_found = [&](const std::string& directory) {
    const auto found = stranded_containers(directory);
    return std::find(found.begin(), found.end(), expected) != found.end();
  };
  CHECK_FALSE(is_found(runtime_dir));
  std::filesystem::remove_all(runtime_dir);
  CHECK(is_found(runtime_dir));
  CHECK_FALSE(is_found("/run/other"));
  CHECK(container.outcome() == "mounted");
}
