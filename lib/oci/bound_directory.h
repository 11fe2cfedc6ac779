// SPDX-License-Identifier: Apache-2.0
// The directory that a person bind-mounted at a target: found both on the host and in the container, so that
// nothing is written into another one, and so that its files belong to the container's user.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

struct BoundDirectory {
  // O_PATH. The host's view, which is writable even if the container's mount is read-only; if `source` leads
  // elsewhere or nowhere, the container's view.
  UniqueFd directory;
  Owner owner;  // the owner for a file created there that will belong to the container's user
};

// `rootfs` as for ContainerRoot, `target` a path in the container, `source` the bind mount's path on the
// host, `user` the container's. If a runtime isolates the container's file system (gVisor), only `source`
// counts. Failure: there is no directory, or nothing is mounted at `target` (a container that is being
// restored); the user is not mapped to the host, or not by an idmapped mount.
Result<BoundDirectory> open_bound_directory(const ContainerProcess& process, std::string_view rootfs,
                                            std::string_view target, const std::string& source, Owner user);

}  // namespace oci_oauth
