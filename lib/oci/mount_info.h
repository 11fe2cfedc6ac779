// SPDX-License-Identifier: Apache-2.0
// What the kernel reports about a mount in a container: with statmount(2) for another mount namespace (Linux
// 6.11) at a cost that does not depend on the number of mounts, otherwise from the container's whole
// /proc/PID/mountinfo.
#pragma once

#include <optional>

#include "base/result.h"
#include "oci/container_process.h"
#include "oci/id_map.h"

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

// Of the mount that contains `file` (a descriptor, in the mount namespace of `process`). Failure: names the
// call or the file in /proc.
Result<MountInfo> mount_info(const ContainerProcess& process, int file);

// Failure: `target` is on a shared mount, so that a mount there would also appear elsewhere, perhaps on the
// host.
Result<void> check_unshared(const ContainerProcess& process, int target);

}  // namespace oci_oauth
