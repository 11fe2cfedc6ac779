// SPDX-License-Identifier: Apache-2.0
// A file that takes another's place: who could not read that one cannot read it.
#pragma once

#include <string>

#include "base/result.h"

namespace oci_oauth {

// Gives the file `to`, which is empty and new, the owner, group, mode and POSIX access control list
// (acl(5)) of the file `from`, as far as the caller may. A group or a list that cannot be kept takes the
// rights of group and others with it: none of them widen. Failure: "SHOWN: fchmod: reason".
Result<void> keep_access(int from, int to, const std::string& shown);

}  // namespace oci_oauth
