// SPDX-License-Identifier: Apache-2.0
// Bytes as text: RFC 4648.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oci_oauth {

// Section 4, with padding.
std::string base64(std::string_view bytes);

// nullopt: it is not exactly what base64() writes.
std::optional<std::string> from_base64(std::string_view text);

// Section 5, without padding.
std::string base64url(std::string_view bytes);

// Bits beyond the last byte are not looked at. nullopt: a character that base64url() does not write.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace oci_oauth
