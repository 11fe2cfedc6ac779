// SPDX-License-Identifier: Apache-2.0
// A file that replaces another one: users who cannot read the old one cannot read the new one.
#pragma once

#include <string>

#include "base/result.h"

namespace oci_oauth {

// Gives the file `to`, which is empty and new, the owner, group, mode and POSIX access control list (acl(5))
// of the file `from`, as far as the caller may. If the group or the list cannot be kept, group and others
// lose their permissions, so that access never widens. Failure: "SHOWN: fchmod: reason".
Result<void> keep_access(int from, int to, const std::string& shown);

}  // namespace oci_oauth
