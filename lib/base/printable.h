// SPDX-License-Identifier: Apache-2.0
// Text of others, for a terminal or a log: it cannot move the cursor, change colours, turn the text round or
// run on.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

// "?" stands for each byte that is not UTF-8, and for control and formatting characters (Unicode's Cc, and
// the marks of direction); text of more bytes than `longest` is cut and ends with "...".
std::string printable(std::string_view text, size_t longest = std::string_view::npos);

}  // namespace oci_oauth
