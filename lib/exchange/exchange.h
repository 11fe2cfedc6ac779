// SPDX-License-Identifier: Apache-2.0
// Keeps one login fresh: lock, read again, check that it is still due, prove that the answer can be stored,
// one POST, sync to disk. Runs as the login's owner, and is the only code that handles a refresh token.
#pragma once

#include <functional>

#include "exchange/fleet_record.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// `stop` is called while waiting for locks; true ends the run before anything is sent. A run that has sent
// its request always completes.
ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop,
                          const FleetOpener& opener = FleetClient::open);

}  // namespace oci_oauth
