// SPDX-License-Identifier: Apache-2.0
// The command by which systemd starts a service, read from the unit's files, so that it can be told without a
// systemd that runs: systemd.unit(5), systemd.service(5).
#pragma once

#include <string>
#include <vector>

#include "setup/host.h"

namespace oci_oauth {

struct ServiceWord {
  std::string text;
  std::string file;  // that says so: the unit, a drop-in or an environment file
};

// The words of the ExecStart= in force, the program's first, variables replaced by what the unit sets them
// to. Empty where there is no such unit, or it starts nothing. Specifiers ('%') stay as they are.
std::vector<ServiceWord> service_command(const Host& host, const std::string& unit);

}  // namespace oci_oauth
