// SPDX-License-Identifier: Apache-2.0
// A token's SHA-256 (FIPS 180-4), to tell tokens apart where none may be stored or shown.
#pragma once

#include <string>

#include "base/secret.h"

namespace oci_oauth {

// 64 hexadecimal digits.
std::string fingerprint(const Secret& token);

// "#1a2b3c4d": how a message names a token.
inline std::string short_fingerprint(std::string_view hash) {
  return "#" + std::string(hash.substr(0, 8));
}

}  // namespace oci_oauth
