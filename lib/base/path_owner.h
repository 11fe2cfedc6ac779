// SPDX-License-Identifier: Apache-2.0
// Who could have put something else at a path: guards against links that lead root to another user's file.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace oci_oauth {

// Walks the absolute `path` from "/" component by component without following links, and expands symbolic
// links as text (at most 40). Result: the owner of the first component (directory, link or file) that belongs
// neither to root nor to `trusted`; nullopt if there is none. The file itself need not exist. Failure: "PATH:
// reason" for a missing directory, a loop, or a component that is not a directory.
Result<std::optional<Owner>> find_other_owner(const std::string& path, uid_t trusted);

}  // namespace oci_oauth
