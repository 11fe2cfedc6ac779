// SPDX-License-Identifier: Apache-2.0
// Third step: opens everything that a delivery needs. Nothing in the container changes, except that a
// directory may be created for a mount.
#pragma once

#include "base/result.h"
#include "hook/create_context.h"
#include "hook/delivery.h"

namespace oci_oauth {

// Failure: names the target or the call that was refused.
Result<void> prepare(const CreateContext& context, Delivery& delivery);

}  // namespace oci_oauth
