// SPDX-License-Identifier: Apache-2.0
// Changes single values in a JSON text that may hold secrets: every other byte stays.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.h"

namespace oci_oauth {

// Replaces values that are there: for each pair of a JSON Pointer (RFC 6901) and a JSON text, the value at
// the one becomes the other. Every other byte of `text`, which parse_json took, stays. Result: nullopt where
// a pointer leads nowhere.
std::optional<Secret> replace_json_values(std::string_view text,
                                          std::span<const std::pair<std::string, Secret>> values);

// Puts the member at `pointer`, whose value is the JSON text `value`, in front of the other members of its
// object, laid out as the first of them. Result: nullopt where no object is there, or it has the member.
std::optional<Secret> insert_json_value(std::string_view text, std::string_view pointer,
                                        std::string_view value);

}  // namespace oci_oauth
