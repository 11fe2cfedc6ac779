// SPDX-License-Identifier: Apache-2.0
// A listening Unix socket that has no name on the host: alone in a file system of its own, to be mounted in
// one container.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

struct SocketTree {
  UniqueFd tree;       // a detached mount, for mount_in_container()
  UniqueFd listening;  // of the socket in it
};

// A read-only, nosuid, nodev, noexec tmpfs with a socket `name`, to which every user in the container may
// connect (fsopen(2), Linux 5.2; mount_setattr(2), Linux 5.12). No file handle of its leads anywhere else.
// Failure: names the call.
Result<SocketTree> make_socket_tree(std::string_view name);

}  // namespace oci_oauth
