// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a mount in a container: at a cost that does not depend on how many mounts there are
// where statmount(2) can be asked about another mount namespace (Linux 6.11), else from the container's whole
// /proc/PID/mountinfo.
#pragma once

#include <optional>

#include "base/file.h"
#include "base/result.h"
#include "oci/container_process.h"
#include "oci/id_map.h"

namespace oci_oauth {

struct IdMaps {
  IdMap uids, gids;  // inside: as the file system has them; outside: as seen through the mount
};

struct MountInfo {
  bool shared = false;    // passes mount events on: mount_namespaces(7), "SHARED SUBTREES"
  bool idmapped = false;  // mount_setattr(2), "ID-mapped mounts"
  // Of an idmapped mount, where the kernel tells (Linux 6.15).
  std::optional<IdMaps> id_maps;
};

// Of the mount that `file` (a descriptor, in the mount namespace of `process`) is in. Failure: names the call
// or the file of /proc.
Result<MountInfo> mount_info(const ContainerProcess& process, int file);

// Failure: `target` lies in a mount that shares its mount events, so that what is attached there would appear
// elsewhere too, perhaps on the host.
Result<void> check_unshared(const ContainerProcess& process, int target);

}  // namespace oci_oauth
