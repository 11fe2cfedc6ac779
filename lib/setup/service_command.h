// SPDX-License-Identifier: Apache-2.0
// The command by which systemd starts a service, read from the unit's files, so that no running systemd is
// needed: systemd.unit(5), systemd.service(5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "setup/host.h"

namespace oci_oauth {

struct ServiceWord {
  std::string text;
  std::string file;  // the file that says so: the unit, a drop-in or an environment file
};

// The words of the effective ExecStart=, the program first, with variables replaced by the values that the
// unit sets. Empty if there is no such unit, or it starts nothing. Specifiers ('%') are kept.
std::vector<ServiceWord> service_command(const Host& host, const std::string& unit);

// The value of `option` at the word with this number, as "OPTION VALUE" or "OPTION=VALUE"; nullopt if it is
// not there.
std::optional<std::string> option_value(const std::vector<ServiceWord>& words, size_t number,
                                        std::string_view option);

}  // namespace oci_oauth
