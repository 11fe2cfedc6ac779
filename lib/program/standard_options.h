// SPDX-License-Identifier: Apache-2.0
// What each program answers to --version and --help, and what those that only oci-oauth or systemd starts say
// to a person who starts them otherwise.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// The project's version, "MAJOR.MINOR.PATCH".
std::string_view version();

// Prints "PROGRAM VERSION" if the only argument is --version, and `help` if it is --help or -h. Result: the
// exit code (0; 1 if stdout cannot be written); nullopt for any other arguments.
std::optional<int> answer_standard_options(int argc, char** argv, std::string_view program,
                                           std::string_view help);

// Failure: these are not `count` arguments, or one of them is an option. The hint is the program's help.
Result<void> check_operands(int argc, char** argv, int count);

// The same, of a program without arguments whose request comes on stdin. Failure: that is a terminal.
Result<void> check_request_is_piped(int argc, char** argv);

// The FILE of "--config FILE", which is all that `words` may be; empty: there are none. Failure: they are
// others.
Result<std::string> read_config_option(const std::vector<std::string_view>& words);

}  // namespace oci_oauth
