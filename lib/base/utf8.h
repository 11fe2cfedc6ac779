// SPDX-License-Identifier: Apache-2.0
// UTF-8 as RFC 3629 has it: nothing longer than needed, no half of a surrogate pair, nothing beyond U+10FFFF.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

size_t utf8_length(std::string_view text);  // of the character that `text` begins with; 0: it does not
bool is_utf8(std::string_view text);
std::string utf8(unsigned code);  // the character of a code point that is no half

}  // namespace oci_oauth
