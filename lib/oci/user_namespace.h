// SPDX-License-Identifier: Apache-2.0
// Where ids mean what a rootless engine's hook meant: that engine runs its hooks in a user namespace of its
// own, and outside of it nobody but root can give files to the users of its containers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "base/result.h"

namespace oci_oauth {

// Names the caller's user namespace, as ioctl_ns(2) says: its inode. 0 where the kernel has none.
std::uint64_t own_user_namespace();

// Does `deed` where `name` is the user namespace: here, if it is the caller's own or 0; else in a child that
// has joined it, found as that of process `pid` or one of its parents (the caller owns it, or has
// CAP_SYS_ADMIN in it). The child shares descriptors and leaves no change of ids behind. Result: the deed's.
// Failure: also where the namespace is not there any more or cannot be joined.
Result<void> in_user_namespace(pid_t pid, std::uint64_t name, const std::function<Result<void>()>& deed);

}  // namespace oci_oauth
