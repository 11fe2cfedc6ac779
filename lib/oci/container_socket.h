// SPDX-License-Identifier: Apache-2.0
// Listening sockets that only one container can reach: a Unix socket that has no name on the host, alone in a
// file system of its own, and one on the container's own loopback interface.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

struct SocketTree {
  UniqueFd tree;       // a detached mount, for mount_in_container()
  UniqueFd listening;  // of the socket in it
};

// A read-only, nosuid, nodev, noexec tmpfs with a socket `name`, to which every user in the container may
// connect (fsopen(2), Linux 5.2; mount_setattr(2), Linux 5.12). No file handle of its leads anywhere else.
// Failure: names the call.
Result<SocketTree> make_socket_tree(const std::string& name);

// Listens on 127.0.0.1:`port` in the network namespace of `process`, from a child process that enters it
// (setns(2)). Failure: the container shares the caller's network namespace, where every process could
// connect; another program of the container's pod has the port; names the call.
Result<UniqueFd> listen_on_loopback(const ContainerProcess& process, std::uint16_t port);

}  // namespace oci_oauth
