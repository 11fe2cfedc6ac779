// SPDX-License-Identifier: Apache-2.0
#include "program/run_reported.h"

#include <exception>

namespace oci_oauth {

int run_reported(const Log& log, const std::function<Result<ExitCode>()>& work) {
  try {
    const auto code = work();
    return static_cast<int>(code ? *code : report(log, code.error()));
  } catch (const std::exception& error) {
    return static_cast<int>(report(log, {ErrorKind::failed, error.what()}));
  }
}

}  // namespace oci_oauth
