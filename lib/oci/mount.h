// SPDX-License-Identifier: Apache-2.0
// Mounts a host directory inside a running container's mount namespace, using descriptors only: no path is
// resolved twice.
#pragma once

#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

// A detached read-only, nosuid, nodev, noexec copy of the mount of `directory`, private so that mount events
// do not propagate between host and container (open_tree(2), mount_setattr(2), Linux 5.12). Failure: names
// the call; not_found if there is no such directory.
Result<UniqueFd> clone_tree_read_only(const FileAt& directory);

// The same tree with locked flags, so that nobody can make it writable, whatever capabilities the container
// has (mount_namespaces(7), "Restrictions on mount namespaces"): copied through a user namespace that a child
// process creates. `path` leads to the tree's directory. Costs a process and a copy of the caller's mount
// namespace. Failure: names the call; user.max_user_namespaces may forbid it.
Result<UniqueFd> lock_tree(UniqueFd tree, const std::string& path);

// Enters the mount namespace of `process` and attaches `tree` to `target` (O_PATH, inside that namespace).
// The caller stays there until process.leave_mounts(). Failure: names the call and why the kernel refused.
Result<void> mount_in_container(const ContainerProcess& process, int tree, int target);

}  // namespace oci_oauth
