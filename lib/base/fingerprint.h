// SPDX-License-Identifier: Apache-2.0
// The SHA-256 (FIPS 180-4) of a text, to compare tokens and files that must not be stored or shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace oci_oauth {

// 64 hexadecimal digits.
std::string fingerprint(std::string_view text);
inline std::string fingerprint(const Secret& token) {
  return fingerprint(token.reveal());
}

// "#1a2b3c4d": the short name of a token in messages.
inline std::string short_fingerprint(std::string_view hash) {
  return "#" + std::string(hash.substr(0, 8));
}

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv), for a file's name: nobody gains anything from
// a collision.
inline std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace oci_oauth
