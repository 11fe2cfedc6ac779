// SPDX-License-Identifier: Apache-2.0
// The little JSON that the tests' server needs: objects as maps from a name to the JSON text of its value,
// which keeps absurd values as they are.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace oci_oauth::test {

// Member name to the member's value as JSON text: {"a": "b"} is {{"a", "\"b\""}}.
using JsonMembers = std::map<std::string, std::string>;

// `text` as a JSON string, quotes included.
std::string json_quote(std::string_view text);

// The object with these members. The values are not checked.
std::string json_object(const JsonMembers& members);

// The members of a JSON object. Nothing if `text` is not one JSON object.
std::optional<JsonMembers> parse_json_object(std::string_view text);

// What a JSON string says; any other JSON text as it stands.
std::string json_plain(const std::string& json);

}  // namespace oci_oauth::test
