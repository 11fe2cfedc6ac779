// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include "base/utf8.h"

namespace oci_oauth {

namespace {

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  // U+0080 to U+009F; U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F; U+FEFF.
  if (character.size() == 2) return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  if (character.size() != 3) return false;
  const auto bits = [&](size_t at, unsigned mask) {
    return static_cast<unsigned char>(character[at]) & mask;
  };
  const unsigned code = bits(0, 0x0f) << 12 | bits(1, 0x3f) << 6 | bits(2, 0x3f);
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

}  // namespace

std::string printable(std::string_view text, size_t longest) {
  std::string shown;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (shown.size() + character.size() > longest) return shown + "...";
    shown += length == 0 || is_control(character) ? "?" : character;
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace oci_oauth
