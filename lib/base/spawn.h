// SPDX-License-Identifier: Apache-2.0
// Starts a program that inherits only what it is given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/child.h"

namespace oci_oauth {

struct SpawnOptions {
  std::optional<std::vector<std::string>> environment = {};  // "NAME=value"; nullopt: the caller's
  const char* directory = nullptr;                           // nullptr: the caller's
  int input = -1, output = -1, errors = -1;                  // -1: /dev/null
  std::vector<int> kept = {};                                // stay open under their own numbers
};

// posix_spawn(3) with default signals, as the leader of a session and so of a process group. `command[0]` is
// looked up in PATH if it has no slash. Failure: "PROGRAM: reason"; not_found if there is no such program.
Result<Child> spawn(const std::vector<std::string>& command, const SpawnOptions& options);

}  // namespace oci_oauth
