// SPDX-License-Identifier: Apache-2.0
// The systemd units of this installation, and whether there is a systemd to enable them.
#pragma once

#include <sys/types.h>

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

}  // namespace oci_oauth
