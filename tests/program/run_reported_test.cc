// SPDX-License-Identifier: Apache-2.0
#include "program/run_reported.h"

#include <stdexcept>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a program ends with the code of its work, of its error, or of an exception") {
  const Log log = Log::to_stderr("test");
  CHECK(run_reported(log, [] { return ExitCode::login_required; }) == 3);
  CHECK(run_reported(log, []() -> Result<ExitCode> { return Error{ErrorKind::usage, "wrong"}; }) == 2);
  CHECK(run_reported(log, []() -> Result<ExitCode> { throw std::runtime_error("out of memory"); }) == 1);
}
