// SPDX-License-Identifier: Apache-2.0
// The socket on which systemd listened before it started this program.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// The protocol of sd_listen_fds(3): one listening socket, passed to this very process; child processes do not
// get it. Failure (usage): none was passed.
Result<UniqueFd> inherited_socket();

}  // namespace oci_oauth
