// SPDX-License-Identifier: Apache-2.0
// Validates a document against a JSON Schema (draft 4).
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace oci_oauth {

// `schema` is a schema of ours, known to be one. Failure (configuration): "SOURCE: /pointer: does not fit the
// schema: KEYWORD", at the first place that does not fit.
Result<void> check_schema(const JsonValue& value, std::string_view schema, std::string_view source);

}  // namespace oci_oauth
