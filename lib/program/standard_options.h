// SPDX-License-Identifier: Apache-2.0
// What each program answers when it is asked for nothing but its version or its help.
#pragma once

#include <optional>
#include <string_view>

namespace oci_oauth {

// Prints "PROGRAM VERSION" where the only argument is --version, and `help` where it is --help or -h. Result:
// the exit code (0; 1 where stdout cannot be written); nullopt where neither was asked for.
std::optional<int> answer_standard_options(int argc, char** argv, std::string_view program,
                                           std::string_view help);

}  // namespace oci_oauth
