// SPDX-License-Identifier: Apache-2.0
// The overview for people: a table of profiles, remarks with hints, a table of containers.
#pragma once

#include <string>

#include "report/overview.h"
#include "report/text_table.h"

namespace oci_oauth {

// The login's expiry is reported as a warning from this long before it.
constexpr Milliseconds login_warning = std::chrono::hours(72);

std::string overview_text(const Overview& overview, Time now, Colour colour);

}  // namespace oci_oauth
