// SPDX-License-Identifier: Apache-2.0
#include "program/exit_code.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("of two exit codes the one that needs a person counts") {
  using enum ExitCode;
  CHECK(worse(fine, fine) == fine);
  CHECK(worse(fine, temporary) == temporary);
  CHECK(worse(temporary, fine) == temporary);
  CHECK(worse(temporary, login_required) == login_required);
  CHECK(worse(login_required, failed) == login_required);
  CHECK(worse(usage, temporary) == usage);
}
