// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

TEST_CASE("a file of this host's own is local") {
  const TempDir dir;
  CHECK(is_local_file_system(dir.path()));
  CHECK(is_local_file_system("/proc/self/status"));
}

TEST_CASE("an unknown file system does not count as local") {
  CHECK_FALSE(is_local_file_system("/nowhere/at/all"));
}
