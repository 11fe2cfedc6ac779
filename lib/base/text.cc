// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

namespace oci_oauth {

namespace {

// Unicode's Cc, and the marks of direction.
bool is_control(unsigned code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

}  // namespace

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return std::string(text);
  return "'" + with_value(std::string(text), "'", R"('\'')") + "'";
}

// RFC 3629 section 3.
Utf8Character utf8_character(std::string_view text) {
  constexpr unsigned least_codes[] = {0, 0, 0x80, 0x800, 0x10000};
  if (text.empty()) return {};
  const unsigned first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  unsigned code = first & (0x7fU >> size);
  for (const char byte : text.substr(1, size - 1)) {
    if ((static_cast<unsigned char>(byte) & 0xc0) != 0x80) return {};
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3f);
  }
  const bool is_half = code >= 0xd800 && code < 0xe000;
  if (code < least_codes[size] || code > 0x10ffff || is_half) return {};
  return {code, size};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t size = utf8_character(text).size;
    if (size == 0) return false;
    text.remove_prefix(size);
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

std::string printable(std::string_view text, size_t longest) {
  std::string shown;
  while (!text.empty()) {
    const auto [code, size] = utf8_character(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    if (shown.size() + character.size() > longest) return shown + "...";
    shown += size == 0 || is_control(code) ? "?" : character;
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace oci_oauth
