// SPDX-License-Identifier: Apache-2.0
// The runtime that a wrapper executes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "program/log.h"

namespace oci_oauth {

// Failure: "PATH: reason" if it is not a program, or is the running program itself, which would execute
// itself for ever.
Result<void> check_runtime(const std::string& path);

// Result: `configured`, if it is a program, or else find_runtime(); the reason is logged.
Result<std::string> choose_runtime(const std::string& configured, const std::vector<std::string>& directories,
                                   const Log& log);

// Result: the first program named runc in `directories`, or else the first named crun. Failure: names the
// searched directories.
Result<std::string> find_runtime(const std::vector<std::string>& directories);

}  // namespace oci_oauth
