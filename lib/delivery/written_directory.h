// SPDX-License-Identifier: Apache-2.0
// A bind-mounted directory that files are written into, reached from the host: only while it is the same
// directory.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// Result: `source` as O_PATH. Failure: it is gone, or another directory has its name now (device and inode
// differ).
Result<UniqueFd> open_same_directory(const std::string& source, std::uint64_t device, std::uint64_t inode);

}  // namespace oci_oauth
