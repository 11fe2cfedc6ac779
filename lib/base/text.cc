// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

namespace oci_oauth {

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return std::string(text);
  return "'" + with_value(std::string(text), "'", R"('\'')") + "'";
}

}  // namespace oci_oauth
