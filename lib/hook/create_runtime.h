// SPDX-License-Identifier: Apache-2.0
// The hook's work for a container that is being created: choose, refresh, prepare, record and deliver, in
// this order.
#pragma once

#include "base/result.h"
#include "hook/create_context.h"

namespace oci_oauth {

// Delivers each profile that a person chose for this container. Problems are logged, with a hint. Failure:
// only for a profile with on_failure "block" whose token the container does not have; it must not be created.
Result<void> create_runtime(const HookCall& call);

}  // namespace oci_oauth
