// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <array>
#include <cstdint>
#include <utility>

namespace oci_oauth {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(byte)) & 0xFFFF;
    for (count += 8; count >= 6;) text += alphabet[bits >> (count -= 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text;
}

// The value of each digit; 64: it is not one.
using Values = std::array<std::uint8_t, 256>;
constexpr Values values_of(std::string_view alphabet) {
  Values values = {};
  values.fill(64);
  for (size_t value = 0; value < alphabet.size(); ++value)
    values[static_cast<unsigned char>(alphabet[value])] = static_cast<std::uint8_t>(value);
  return values;
}
constexpr Values values = values_of(digits), url_values = values_of(url_digits);

// Without the bits beyond the last byte.
std::optional<std::string> decoded(std::string_view text, const Values& digit_values) {
  std::string bytes(text.size() * 6 / 8, '\0');
  char* end = bytes.data();
  std::uint32_t bits = 0, all = 0;
  size_t count = 0;
  for (const char digit : text) {
    const std::uint32_t value = digit_values[static_cast<unsigned char>(digit)];
    all |= value;
    bits = bits << 6 | value;
    if (++count % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) *end++ = static_cast<char>(bits >> shift);
  }
  if (all > 63) return std::nullopt;
  for (size_t left = count % 4 * 6; left >= 8; left -= 8) *end++ = static_cast<char>(bits >> (left - 8));
  return bytes;
}

}  // namespace

std::string base64(std::string_view bytes) {
  return encoded(bytes, digits).append((3 - bytes.size() % 3) % 3, '=');
}

std::optional<std::string> from_base64(std::string_view text) {
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  auto bytes = decoded(text.substr(0, text.size() - padding), values);
  if (!bytes || text.size() % 4 != 0) return std::nullopt;
  // Bytes that do not fill a group can be written in one way only.
  const std::string_view last = std::string_view(*bytes).substr(bytes->size() / 3 * 3);
  return text.ends_with(base64(last)) ? std::move(bytes) : std::nullopt;
}

std::string base64url(std::string_view bytes) {
  return encoded(bytes, url_digits);
}

std::optional<std::string> from_base64url(std::string_view text) {
  return decoded(text, url_values);
}

}  // namespace oci_oauth
