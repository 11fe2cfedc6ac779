// SPDX-License-Identifier: Apache-2.0
// Which running containers were started through oci-oauth-runtime: their shims run it until the container
// ends. Without it, nobody can exec in them, and what they leave behind prevents a restart.
#pragma once

#include <string>
#include <vector>

#include "setup/host.h"

namespace oci_oauth {

// Their ids, sorted, as containerd's shims record them below /run (including Docker's containers).
std::vector<std::string> containers_run_by_wrapper(const Host& host);

// Whether a runtime's program is the wrapper, from this installation or another.
bool is_wrapper(std::string_view program);

}  // namespace oci_oauth
