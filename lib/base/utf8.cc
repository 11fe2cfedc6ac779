// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace oci_oauth {

// RFC 3629 section 4.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follow = [&](size_t count) {
    for (size_t i = 1; i <= count; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return follow(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return follow(2) ? 3 : 0;
  }
  if (first < 0xf0 || first > 0xf4) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return follow(3) ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string utf8(unsigned code) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  const char last = byte(0x80 | (code & 0x3f)), second_last = byte(0x80 | (code >> 6 & 0x3f));
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), last};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), second_last, last};
  return {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)), second_last, last};
}

}  // namespace oci_oauth
