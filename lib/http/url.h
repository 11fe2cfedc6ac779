// SPDX-License-Identifier: Apache-2.0
// URLs that a request may go to, and texts as they are written in one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

// Where a URL leads.
struct UrlParts {
  std::string scheme, server;  // "HOST:PORT"
};

// Failure (configuration): "'URL' is ...": not https, and not http to 127.0.0.0/8, ::1 or localhost.
Result<UrlParts> check_url(std::string_view text);

// "application/x-www-form-urlencoded": names and values.
using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;
Secret form_body(const Parameters& parameters);

// RFC 3986 section 2.1: everything except letters, digits and "-._~" as %XX.
Secret percent_encode(std::string_view text);

}  // namespace oci_oauth
