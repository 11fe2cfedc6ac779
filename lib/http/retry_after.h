// SPDX-License-Identifier: Apache-2.0
// The Retry-After header (RFC 9110 section 10.2.3): seconds or an HTTP date.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace oci_oauth {

// Result: the time from `now`, clamped to [0 s, 24 h]; nullopt if the value has neither format.
std::optional<Milliseconds> parse_retry_after(std::string_view value, Time now);

// HTTP-date in any of its three formats, RFC 9110 section 5.6.7; nullopt for anything else.
std::optional<Time> parse_http_date(const std::string& text);

}  // namespace oci_oauth
