// SPDX-License-Identifier: Apache-2.0
// Changes single values in JSON text that may contain secrets; every other byte stays the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.h"

namespace oci_oauth {

// Replaces existing values: `values` are pairs of a JSON Pointer (RFC 6901) and a JSON text. Every other byte
// of `text`, which must be valid for parse_json, stays the same. Result: nullopt if a pointer finds nothing.
std::optional<Secret> replace_json_values(std::string_view text,
                                          std::span<const std::pair<std::string, Secret>> values);

// Adds the member at `pointer`, whose value is the JSON text `value`, as the first member of its object, in
// the layout of the current first one. Result: nullopt if there is no such object, or it already has the
// member.
std::optional<Secret> insert_json_value(std::string_view text, std::string_view pointer,
                                        std::string_view value);

}  // namespace oci_oauth
