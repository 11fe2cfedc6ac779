// SPDX-License-Identifier: Apache-2.0
// The parts of the manual that the description of a command line knows, in mdoc(7).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/command_line.h"

namespace oci_oauth {

// `source` with each line "@SYNOPSIS@", "@OPTIONS@" (those that any verb takes) and "@OPTIONS VERB@"
// replaced.
std::string manual_page(const CommandLine& line, std::string_view source);

// `source` with each of its lines, without its newline, replaced by what `replaced` makes of it.
std::string with_lines_replaced(std::string_view source,
                                const std::function<std::string(std::string_view line)>& replaced);

}  // namespace oci_oauth
