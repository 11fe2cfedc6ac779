// SPDX-License-Identifier: Apache-2.0
// Last step: the container gets the token.
#pragma once

#include "base/result.h"
#include "hook/create_context.h"
#include "hook/delivery.h"

namespace oci_oauth {

// Writes into the directory that a person bind-mounted, or mounts the share, after which the caller is in the
// container's mount namespace; records the outcome. Failure: the container does not have the token, and why.
Result<void> deliver(const CreateContext& context, Delivery& delivery);

}  // namespace oci_oauth
