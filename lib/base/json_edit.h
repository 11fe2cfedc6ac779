// SPDX-License-Identifier: Apache-2.0
// Edits a JSON text that somebody else wrote and that may hold secrets: one value is set or removed, and
// every other byte stays, comments and layout included. Each result is parsed again and must be the document
// that was wanted.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

// Sets the value at `path` to `value`: in its place, or behind the other members of its object and laid out
// as they are, with the objects on the way made. Where the document already says so, the text comes back as
// it is. Failure: text that is no object (as parse_json, comments allowed), a step that is no object.
Result<Secret> set_json_value(std::string_view text, std::string_view source, const JsonPath& path,
                              const JsonValue& value);

// The text as `edit` changes its document: values that it sets, adds or removes, and nothing else. Failure:
// as above, but for the step.
Result<Secret> edit_json(std::string_view text, std::string_view source,
                         const std::function<void(JsonValue& document)>& edit);

// Of a document: the member at `path`, if there is one.
void remove_json_at(JsonValue& document, const JsonPath& path);

// Undoes in `current` the change from `before` to `after`: a member that is still as in `after` gets its
// value from `before` or is removed, and so are objects that this leaves empty. All other differences stay.
Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after);

}  // namespace oci_oauth
