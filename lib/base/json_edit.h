// SPDX-License-Identifier: Apache-2.0
// Edits JSON text that a person wrote: sets or removes one member, and keeps every other byte, including
// comments and layout. Each result is parsed again and must equal the old document except for that member.
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

// Sets the member at `path` to `value` (JSON text), and creates missing objects on the way. If the member
// already has this value, returns the text unchanged. Failure: the text is not an object (as parse_json,
// comments allowed), or a step of the path is not an object.
Result<std::string> set_json_member(std::string_view text, std::string_view source, const JsonPath& path,
                                    std::string_view value);

// Removes the member at `path`; if there is none, returns the text unchanged. Failure: as above.
Result<std::string> remove_json_member(std::string_view text, std::string_view source, const JsonPath& path);

// The member at `path` as compact JSON; nullopt if there is none. Failure: as parse_json.
Result<std::optional<std::string>> find_json_member(std::string_view text, std::string_view source,
                                                    const JsonPath& path);

// Undoes in `current` the change from `before` to `after`: a member that is still as in `after` gets its
// value from `before` or is removed, and so are objects that this leaves empty. All other differences stay.
Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after);

}  // namespace oci_oauth
