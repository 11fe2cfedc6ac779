// SPDX-License-Identifier: Apache-2.0
// Runs a program for its output, within a time limit, so that it cannot hang its caller.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

struct CommandOutput {
  int status = 0;        // exit status; 128 + N after signal N
  std::string out, err;  // at most 256 KiB each
};

// `command[0]` is looked up in PATH; stdin is /dev/null. Failure: it cannot be started ("PROGRAM: reason",
// not_found if it does not exist), or was still running at the time limit and was killed with its process
// group.
Result<CommandOutput> run_command(const std::vector<std::string>& command, Milliseconds bound);

// Whether PATH contains an executable with that name.
bool is_in_path(const std::string& program);

}  // namespace oci_oauth
