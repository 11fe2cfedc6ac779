// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a program of its own with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network, and what never needs them never loads libcurl.
#pragma once

#include <string>

#include "base/result.h"
#include "refresh/exchange.h"

namespace oci_oauth {

// `program` is the path of oci-oauth-exchange, which the owner need not be able to reach. The caller waits
// for it to end. SIGTERM and SIGINT are passed on; it finishes what it has sent. Failure: the owner cannot be
// found; the program cannot be opened, or died (its journal tells the next run).
Result<ExchangeReport> exchange_as_owner(const std::string& program, const ExchangeRequest& request);

}  // namespace oci_oauth
