// SPDX-License-Identifier: Apache-2.0
// The output formats of an access token.
#pragma once

#include <array>
#include <string_view>

#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

namespace oci_oauth {

enum class OutputFormat { raw, json, header };
constexpr std::array<std::string_view, 3> words_of(OutputFormat) {
  return {"raw", "json", "header"};
}

// A line: the token, or as a header's "Authorization: Bearer TOKEN" (RFC 6750 section 2.1). As JSON:
// access_token, token_type (RFC 6749 section 5.1) and expires_at (RFC 3339).
Secret format_token(const Secret& token, Time expires_at, OutputFormat format);

}  // namespace oci_oauth
