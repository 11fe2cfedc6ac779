// SPDX-License-Identifier: Apache-2.0
// Reads one variable from an environment file: what systemd.exec(5) accepts as EnvironmentFile= and people
// write as .env. Lines for other variables are skipped, whatever they contain.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

// Understands NAME=VALUE, "export " before it, white space around it, comment lines (# and ;), CRLF, and a
// value in single or double quotes (in the latter, a backslash escapes the next character); an unquoted value
// ends at " #" and has no escapes. Nothing is expanded. Result: the last value, nullopt for none and for an
// empty one. Failure (configuration): "SOURCE:LINE: NAME: reason", never the value.
Result<std::optional<Secret>> find_in_environment_file(std::string_view text, std::string_view name,
                                                       std::string_view source);

}  // namespace oci_oauth
