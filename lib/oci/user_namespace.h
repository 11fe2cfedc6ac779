// SPDX-License-Identifier: Apache-2.0
// Runs code in the user namespace of a rootless engine, in which the ids recorded by its hook are valid: the
// engine runs its hooks in its own user namespace, and outside of it only root can give files to the users of
// its containers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "base/result.h"

namespace oci_oauth {

// Identifies the caller's user namespace by its inode, as in ioctl_ns(2). 0 if the kernel has none.
std::uint64_t own_user_namespace();

// Runs `action` in the user namespace `name`: in this process if that is the caller's own or 0, otherwise in
// a child that joins it, found as that of process `pid` or one of its parents (the caller owns it, or has
// CAP_SYS_ADMIN in it). The child shares descriptors and does not change the caller's ids. Result: that of
// the function. Failure: also if the namespace does not exist any more or cannot be joined.
Result<void> in_user_namespace(pid_t pid, std::uint64_t name, const std::function<Result<void>()>& action);

}  // namespace oci_oauth
