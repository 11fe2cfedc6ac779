// SPDX-License-Identifier: Apache-2.0
#include "base/selinux.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a label without its categories is what containers of that type share") {
  CHECK(without_categories("system_u:object_r:container_file_t:s0:c1,c2") ==
        "system_u:object_r:container_file_t:s0");
  CHECK(without_categories("system_u:object_r:container_file_t:s0") ==
        "system_u:object_r:container_file_t:s0");
  CHECK(without_categories("unlabeled") == "unlabeled");
}
