// SPDX-License-Identifier: Apache-2.0
// The doctor's checks, one function each, of what the host view says. They change nothing, and go by what the
// kernel, the engines and systemd answer instead of guessing from their versions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "doctor/finding.h"
#include "doctor/host_view.h"
#include "token/records.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

// What a fleet's store has of a login, and what this host has of it.
struct FleetView {
  FleetStatus status = {};
  std::optional<Error> failure = {};  // the store cannot be reached, or read
  std::optional<FleetArrival> here = {};
  std::optional<FollowerState> follower = {};
};

struct CheckContext {
  const Config& config;  // with a runtime_dir
  std::vector<std::string> provider_directories;
  std::string probe;  // path of oci-oauth-probe
  HostView host;
  // Called before what takes long, for a person who waits.
  std::function<void(std::string_view)> step = [](std::string_view) {};
  std::function<FleetView(const Profile&)> look_at_fleet = {};
};

// The configuration's file also matches its schema.
Findings check_configuration(const CheckContext& context);
// Each profile's provider exists, matches its schema, and can be read as for a refresh.
Findings check_providers(const CheckContext& context);
// It is private, in memory and, if root runs it, on its own file system. Also names containers whose token
// was removed with it.
Findings check_runtime_directory(const CheckContext& context);
// Each login and its token endpoint, with the rights of the login's owner: a separate program
// (oci-oauth-probe) examines them, so that root opens no user's file.
Findings check_logins(const CheckContext& context);
// The store of a fleet, its logins, and what this host needs for them.
Findings check_fleet(const CheckContext& context);
// Each installed engine: whether it is registered, with which file, and whether the engine reads that file.
Findings check_engines(const CheckContext& context);
// The refresher's units, if systemd is running.
Findings check_units(const CheckContext& context);
// The kernel features that docs/security.md lists.
Findings check_kernel(const CheckContext& context);

// Starts a throw-away container for each profile, and compares the token that it reads with the current one:
// in each of Podman and Docker that is registered or, if neither is, in each that is installed; by a CDI
// device if those are registered.
Findings try_container(const CheckContext& context);

}  // namespace oci_oauth
