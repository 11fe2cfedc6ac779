// SPDX-License-Identifier: Apache-2.0
// The directory that a person bound at a target: found both on the host and in the container, so that nothing
// is written into another one, and so that files in it belong to the container's user.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

struct BoundDirectory {
  // O_PATH. As the host has it, which is writable where the container's mount is read-only; where `source`
  // leads elsewhere or nowhere, as the container sees it.
  UniqueFd directory;
  Owner owner;  // that a file made there has to get to belong to the container's user
};

// `rootfs` as for ContainerRoot, `target` a path in the container, `source` the bind mount's on the host,
// `user` the container's. Where a runtime keeps the container's file system to itself (gVisor), `source`
// alone counts. Failure: no directory is there, or nothing is mounted at `target` (a container that is being
// restored); the user is not mapped to the host, or not by an idmapped mount.
Result<BoundDirectory> open_bound_directory(const ContainerProcess& process, std::string_view rootfs,
                                            std::string_view target, const std::string& source, Owner user);

}  // namespace oci_oauth
