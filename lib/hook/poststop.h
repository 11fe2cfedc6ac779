// SPDX-License-Identifier: Apache-2.0
// The hook's work for a container that is gone.
#pragma once

#include "hook/create_context.h"

namespace oci_oauth {

// Removes what was written for the container, and its record.
void poststop(const HookCall& call);

}  // namespace oci_oauth
