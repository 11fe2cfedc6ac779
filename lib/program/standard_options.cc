// SPDX-License-Identifier: Apache-2.0
#include "program/standard_options.h"

#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"
#include "program/version.h"

namespace oci_oauth {

std::optional<int> answer_standard_options(int argc, char** argv, std::string_view program,
                                           std::string_view help) {
  const std::string_view only = argc == 2 ? argv[1] : "";
  std::string answer;
  if (only == "--version") {
    answer = fmt::format("{} {}\n", program, version());
  } else if (only == "--help" || only == "-h") {
    answer = help;
  } else {
    return std::nullopt;
  }
  return write_all(STDOUT_FILENO, answer, "stdout") ? 0 : 1;
}

}  // namespace oci_oauth
