// SPDX-License-Identifier: Apache-2.0
// The schemas of share/oci-oauth/schema, as part of the program: what they say and what it reads cannot
// differ.
#pragma once

#include <string_view>

#include "base/result.h"

namespace oci_oauth {

// The text of oci-config/schema/{config,provider}.schema.json.
extern const std::string_view config_schema, provider_schema;

// Failure (configuration): not JSON, or the first place that does not fit the schema.
Result<void> check_config_text(std::string_view text, std::string_view source);
Result<void> check_provider_text(std::string_view text, std::string_view source);

}  // namespace oci_oauth
