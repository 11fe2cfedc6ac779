// SPDX-License-Identifier: Apache-2.0
// What a person does with a fleet's login: its keys, moving it into the store and back, sealing it anew.
#pragma once

#include <functional>

#include "exchange/fleet_record.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// All tasks but a takeover, which is a refresh.
ExchangeReport do_fleet_task(const ExchangeRequest& request, const std::function<bool()>& stop,
                             const FleetOpener& opener);

}  // namespace oci_oauth
