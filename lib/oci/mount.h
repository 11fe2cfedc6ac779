// SPDX-License-Identifier: Apache-2.0
// Mounts in a running container's mount namespace: what the kernel reports about one, and a host directory as
// a new one. Uses descriptors only: no path is resolved twice.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

struct IdMaps {
  IdMap uids, gids;  // inside: as stored in the file system; outside: as seen through the mount
};

struct MountInfo {
  bool shared = false;    // propagates mount events: mount_namespaces(7), "SHARED SUBTREES"
  bool idmapped = false;  // mount_setattr(2), "ID-mapped mounts"
  // Of an idmapped mount, if the kernel reports it (Linux 6.15).
  std::optional<IdMaps> id_maps;
};

// Of the mount that contains `file` (a descriptor, in the mount namespace of `process`): with statmount(2)
// for another mount namespace (Linux 6.11) at a cost that does not depend on the number of mounts, otherwise
// from the container's whole /proc/PID/mountinfo. Failure: names the call or the file in /proc.
Result<MountInfo> mount_info(const ContainerProcess& process, int file);

// Failure: `target` is on a shared mount, so that a mount there would also appear elsewhere, perhaps on the
// host.
Result<void> check_unshared(const ContainerProcess& process, int target);

// Makes a detached mount read-only, nosuid, nodev and noexec, and private, so that mount events do not
// propagate between host and container (mount_setattr(2), Linux 5.12). Failure: names the call.
Result<void> restrict_mount(int tree, std::string_view shown);

// A detached copy of the mount of `directory` (open_tree(2)), restricted like that. Failure: names the call;
// not_found if there is no such directory.
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
