// SPDX-License-Identifier: Apache-2.0
// Edits a JSON text that a person wrote: one member is set or removed, and every other byte stays, comments
// and layout included. Each result is parsed again and must be the old document with just that member
// changed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

using JsonPath = std::vector<std::string>;  // the keys from the root to a member, at least one

// Sets the member at `path` to `value` (JSON text), making the objects on the way. Where the document already
// says so, the text comes back as it is. Failure: text that is no object (as parse_json, comments allowed), a
// step of the path that is no object.
Result<std::string> set_json_member(std::string_view text, std::string_view source, const JsonPath& path,
                                    std::string_view value);

// Removes the member at `path`; where there is none, the text comes back as it is. Failure: as above.
Result<std::string> remove_json_member(std::string_view text, std::string_view source, const JsonPath& path);

// The member at `path` as compact JSON; nullopt where there is none. Failure: as parse_json.
Result<std::optional<std::string>> find_json_member(std::string_view text, std::string_view source,
                                                    const JsonPath& path);

// Undoes in `current` what was done from `before` to `after`: a member that still is as in `after` becomes
// what it was in `before`, or goes, and an object that this leaves empty goes with it. Whatever else differs
// stays.
Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after);

}  // namespace oci_oauth
