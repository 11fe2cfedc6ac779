// SPDX-License-Identifier: Apache-2.0
// What systemd has on a host: the units of this installation, whether there is a systemd to enable them, and
// how it starts the service of an engine.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "setup/host.h"

namespace oci_oauth {

// systemctl, for the system's manager or the caller's own.
std::vector<std::string> systemctl_command(Scope scope, const std::vector<std::string>& words);

// sd_booted(3), for the machine that is being set up and not for another tree; for a user: a running service
// manager.
bool has_systemd(const Host& host);

// Whether the user's service manager keeps running after logout, loginctl(1); true if unknown.
bool lingers(uid_t uid);
constexpr const char* linger_command = "loginctl enable-linger";

// The names of the installed units that have an [Install] section, sorted.
// With `engine` "proxy", also those of oci-oauth-proxy.
std::vector<std::string> installable_units(const Host& host, std::string_view engine = {});

// Those of them that are not enabled. Failure: systemctl fails.
Result<std::vector<std::string>> disabled_units(const Host& host, std::string_view engine = {});

// systemctl of the host's scope, with these words and then units. Failure: its message.
Result<void> run_systemctl(const Host& host, const std::vector<std::string>& words,
                           const std::vector<std::string>& units = {});

struct ServiceWord {
  std::string text;
  std::string file;  // the file that says so: the unit, a drop-in or an environment file
};

// The command by which systemd starts a service, read from the unit's files, so that no running systemd is
// needed: systemd.unit(5), systemd.service(5). Result: the words of the effective ExecStart=, the program
// first, with variables replaced by the values that the unit sets. Empty if there is no such unit, or it
// starts nothing. Specifiers ('%') are kept.
std::vector<ServiceWord> service_command(const Host& host, const std::string& unit);

struct ServiceOption {
  std::string name, value;  // "--data-root", "/srv/docker"
  std::string place;        // as ServiceWord::file
};
struct OptionSpelling {
  std::string_view spelling, name;
};

// Those of a command that have one of these spellings and a value, as "OPTION VALUE" or "OPTION=VALUE", in
// their order.
std::vector<ServiceOption> options_in(const std::vector<ServiceWord>& words,
                                      std::span<const OptionSpelling> spellings);

}  // namespace oci_oauth
