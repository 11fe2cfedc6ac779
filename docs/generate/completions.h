// SPDX-License-Identifier: Apache-2.0
// Each shell's completion of a command line's verbs, options, values and profiles. What only programs type is
// left out.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace oci_oauth {

std::string bash_completion(const CommandLine& line);
std::string zsh_completion(const CommandLine& line);
std::string fish_completion(const CommandLine& line);

}  // namespace oci_oauth
