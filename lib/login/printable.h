// SPDX-License-Identifier: Apache-2.0
// What a server says, for a terminal: it cannot move the cursor, change colours or run on.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

// "?" stands for what is not UTF-8, and for control and formatting characters (Unicode's Cc, and the marks of
// direction); what is longer than 300 bytes is cut.
std::string printable(std::string_view text);

}  // namespace oci_oauth
