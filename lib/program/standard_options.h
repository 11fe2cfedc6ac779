// SPDX-License-Identifier: Apache-2.0
// What each program answers if its only argument is --version or --help.
#pragma once

#include <optional>
#include <string_view>

namespace oci_oauth {

// Prints "PROGRAM VERSION" if the only argument is --version, and `help` if it is --help or -h. Result: the
// exit code (0; 1 if stdout cannot be written); nullopt for any other arguments.
std::optional<int> answer_standard_options(int argc, char** argv, std::string_view program,
                                           std::string_view help);

}  // namespace oci_oauth
