// SPDX-License-Identifier: Apache-2.0
// The parts of the manual that the description of a command line knows, in mdoc(7).
#pragma once

#include <string>
#include <string_view>

#include "cli/command_line.h"

namespace oci_oauth {

// `source` with each line "@SYNOPSIS@", "@OPTIONS@" (those that any verb takes) and "@OPTIONS VERB@"
// replaced.
std::string manual_page(const CommandLine& line, std::string_view source);

}  // namespace oci_oauth
