// SPDX-License-Identifier: Apache-2.0
#include "base/selinux.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("containers of one type share a label without categories") {
  CHECK(without_categories("system_u:object_r:container_file_t:s0:c1,c2") ==
        "system_u:object_r:container_file_t:s0");
  CHECK(without_categories("system_u:object_r:container_file_t:s0") ==
        "system_u:object_r:container_file_t:s0");
  CHECK(without_categories("unlabeled") == "unlabeled");
}
