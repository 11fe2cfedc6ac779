// SPDX-License-Identifier: Apache-2.0
// The end of each program's main(): what fails is reported, and becomes the exit code.
#pragma once

#include <functional>

#include "program/log.h"

namespace oci_oauth {

// Result: the exit code of `work`, or that of its error, or `failed` for an exception.
int run_reported(const Log& log, const std::function<Result<ExitCode>()>& work);

}  // namespace oci_oauth
