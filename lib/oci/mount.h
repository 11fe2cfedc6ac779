// SPDX-License-Identifier: Apache-2.0
// Mounts a host directory inside a running container's mount namespace, by descriptors alone: no path is
// resolved twice.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// A detached read-only, nosuid, nodev, noexec copy of the mount of `directory`, private so that no mount
// event passes between host and container (open_tree(2), mount_setattr(2), Linux 5.12). Failure: names the
// call.
Result<UniqueFd> clone_tree_read_only(int directory);

// Enters the mount namespace of `pid` (setns(2)) and attaches `tree` on `target` (O_PATH, inside that
// namespace). The caller stays in that namespace: everything that needs the host's paths comes before.
// Failure: names the call and why the kernel refused.
Result<void> mount_in_container(pid_t pid, int tree, int target);

}  // namespace oci_oauth
