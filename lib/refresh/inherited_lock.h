// SPDX-License-Identifier: Apache-2.0
// A profile's lock that the hook already holds and passes on.
#pragma once

#include <string>

#include "base/file_lock.h"
#include "base/result.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// Takes over descriptor `fd`, which must be open on the lock of this very profile. Failure (usage): it is
// not.
Result<FileLock> inherited_lock(const RuntimeDir& runtime, const std::string& profile, int fd);

}  // namespace oci_oauth
