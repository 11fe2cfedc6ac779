// SPDX-License-Identifier: Apache-2.0
// What the installed systemd units need from a configuration, as unit files for a generator
// (systemd.generator(7)): where the logins and the runtime directory are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/scope.h"

namespace oci_oauth {

struct UnitFile {
  std::string path;  // relative to a unit directory: "oci-oauth-refresh.path.d/configuration.conf"
  std::string text;
};

// `config` has a runtime_dir. Result: a path unit for each login; drop-ins for the unit that starts them, for
// the socket and, in the system's manager, for the exchange (where it may write) and what reads a fleet's
// keys; and the mount units that give runtime_dir/share and each profile's directory in it a tmpfs, which all
// our services then require. Failure (configuration): a path that is not allowed in a unit file, with its
// key.
Result<std::vector<UnitFile>> unit_files(const Config& config, Scope manager);

// The manager that runs a generator with this $SYSTEMD_SCOPE, systemd.generator(7); without it, the caller's
// own manager is meant.
Scope service_manager_of(std::string_view systemd_scope, Scope caller);

// Writes them below a generator's `directory`.
Result<void> write_unit_files(const std::vector<UnitFile>& files, const std::string& directory);

// The name of the unit that watches a profile's login; several profiles with one login share that of the
// first.
std::string login_path_unit(std::string_view profile);

// The name of the unit that mounts `path` (absolute, normalised): "/run/oci-oauth/share" ->
// "run-oci\x2doauth-share.mount", as systemd-escape(1) --path.
std::string mount_unit_name(std::string_view path);

}  // namespace oci_oauth
