// SPDX-License-Identifier: Apache-2.0
// The overview as people read it: a table of profiles, what needs attention, a table of containers.
#pragma once

#include <string>

#include "report/overview.h"
#include "report/text_table.h"

namespace oci_oauth {

// From this long before its end, the end of the login itself is a warning.
constexpr Milliseconds login_warning = std::chrono::hours(72);

std::string overview_text(const Overview& overview, Time now, Colour colour);

}  // namespace oci_oauth
