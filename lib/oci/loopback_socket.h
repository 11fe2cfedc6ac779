// SPDX-License-Identifier: Apache-2.0
// A listening socket on a container's own loopback interface.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

// Listens on 127.0.0.1:`port` in the network namespace of `process`, from a child process that enters it
// (setns(2)). Failure: the container shares the caller's network namespace, where every process could
// connect; another program of the container's pod has the port; names the call.
Result<UniqueFd> listen_on_loopback(const ContainerProcess& process, std::uint16_t port);

}  // namespace oci_oauth
