// SPDX-License-Identifier: Apache-2.0
// Bytes as text: RFC 4648 section 4, with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oci_oauth {

std::string base64(std::string_view bytes);

// nullopt: it is not exactly what base64() writes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace oci_oauth
