// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a child process with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network.
#pragma once

#include "base/result.h"
#include "refresh/exchange.h"

namespace oci_oauth {

// The caller waits for the child to end. SIGTERM and SIGINT are passed on; the child finishes what it has
// sent. Failure: the owner cannot be found or become; the child died (its journal tells the next run).
Result<ExchangeReport> exchange_as_owner(const ExchangeRequest& request);

}  // namespace oci_oauth
