// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

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

struct Decoded {
  std::string bytes;
  unsigned spare_count;  // bits beyond the last byte
  std::uint32_t spare;
};

std::optional<Decoded> decoded(std::string_view text, std::string_view alphabet) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char digit : text) {
    const size_t value = alphabet.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return Decoded{std::move(bytes), count, bits & ((1U << count) - 1)};
}

}  // namespace

std::string base64(std::string_view bytes) {
  return encoded(bytes, digits).append((3 - bytes.size() % 3) % 3, '=');
}

std::optional<std::string> from_base64(std::string_view text) {
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  auto done = decoded(text.substr(0, text.size() - padding), digits);
  const bool is_whole = done && text.size() % 4 == 0 && padding == done->spare_count / 2 && done->spare == 0;
  if (!is_whole) return std::nullopt;
  return std::move(done->bytes);
}

std::string base64url(std::string_view bytes) {
  return encoded(bytes, url_digits);
}

std::optional<std::string> from_base64url(std::string_view text) {
  auto done = decoded(text, url_digits);
  if (!done) return std::nullopt;
  return std::move(done->bytes);
}

}  // namespace oci_oauth
