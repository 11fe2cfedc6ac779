// SPDX-License-Identifier: Apache-2.0
// The runtime behind a wrapper that takes a runtime's place.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// Failure: "PATH: reason" where it is no program, or where it is the running program itself, which would call
// itself for ever.
Result<void> check_runtime(const std::string& path);

// Result: the first program named runc in `directories`, else the first named crun. Failure: says where was
// looked.
Result<std::string> find_runtime(const std::vector<std::string>& directories);

}  // namespace oci_oauth
