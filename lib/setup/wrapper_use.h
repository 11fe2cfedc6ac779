// SPDX-License-Identifier: Apache-2.0
// Which running containers were started by way of oci-oauth-runtime: their shims call it until the container
// ends, so that without it nobody can enter them, and they leave behind what keeps them from starting again.
#pragma once

#include <string>
#include <vector>

#include "setup/host.h"

namespace oci_oauth {

// Their ids, sorted, as containerd's shims note them below /run (Docker's containers among them).
std::vector<std::string> containers_run_by_wrapper(const Host& host);

// Whether a runtime's program is the wrapper, of this installation or another.
bool is_wrapper(std::string_view program);

}  // namespace oci_oauth
