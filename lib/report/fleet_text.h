// SPDX-License-Identifier: Apache-2.0
// What a fleet's store has, for people and programs. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "worker/fleet_status.h"

namespace oci_oauth {

struct FleetRow {
  std::string profile;
  FleetStatus status;
};

// A block for each login, with what is wrong.
std::string fleet_text(const std::vector<FleetRow>& rows, Time now);
// {"version": 1, "logins": [...]}; never a secret.
std::string fleet_json(const std::vector<FleetRow>& rows);

// What a takeover would do and risk.
std::string takeover_text(const FleetStatus& status);

// Known faults of the store's version, each a sentence; empty: none is known.
std::vector<std::string> store_faults(const FleetStatus& status);

}  // namespace oci_oauth
