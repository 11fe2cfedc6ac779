// SPDX-License-Identifier: Apache-2.0
// What the doctor looks at, a function for each: it changes nothing, and asks the kernel, the engines and
// systemd themselves rather than guess from their versions.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "doctor/finding.h"

namespace oci_oauth {

struct CheckContext {
  const Config& config;  // with a runtime_dir
  std::vector<std::string> provider_directories;
  std::string probe;  // path of oci-oauth-probe
};

// The file that the configuration was read from fits its schema, too.
Findings check_configuration(const CheckContext& context);
// Every profile's provider is there, fits its schema, and is read by the same reader as a refresh's.
Findings check_providers(const CheckContext& context);
// Private, in memory, a file system of its own where root runs it.
Findings check_runtime_directory(const CheckContext& context);
// Each login and its token endpoint, seen with the rights of the login's owner: a program of its own
// (oci-oauth-probe) looks, so that root opens no user's file.
Findings check_logins(const CheckContext& context);
// Each engine that is installed: registered, with which file, and whether its configuration reads it.
Findings check_engines(const CheckContext& context);
// The refresher's units, where systemd runs.
Findings check_units(const CheckContext& context);
// What docs/architecture.md lists, each by calling it.
Findings check_kernel(const CheckContext& context);

// Starts a throw-away container for each profile, and compares the token that it reads with the current one:
// in Podman and Docker, those of them that are registered; where none is, in each that is there, by a CDI
// device if those are registered.
Findings try_container(const CheckContext& context);

}  // namespace oci_oauth
