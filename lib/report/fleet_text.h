// SPDX-License-Identifier: Apache-2.0
// What a fleet's store has, for people and programs. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "worker/exchange_report.h"

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

// A known fault of the store's version, and what ends it.
struct StoreFault {
  std::string text, remedy;
};
std::vector<StoreFault> store_faults(const FleetStatus& status);

// Clocks that differ by this or less, and a second for their rounding, are right.
bool is_clock_right(const FleetStatus& status);
std::string clock_text(Milliseconds ahead);  // "2 h 0 min ahead of"; behind, if it is negative

}  // namespace oci_oauth
