// SPDX-License-Identifier: Apache-2.0
// Which installation a program serves, and so which configuration: decided in one place for the hook, the
// wrapper and the command, because if they disagreed, a container would silently get no token.
#pragma once

#include <string>

#include "base/process.h"
#include "config/config.h"

namespace oci_oauth {

enum class Scope { system, user };

// The machine's installation for its root, and for root in a user namespace with its own system (an
// unprivileged LXC container): `path` and its existing parents belong to that root. In a rootless engine's
// user namespace one of them belongs to the host's root, an unknown user there, even above an /etc that was
// copied for it (rootlesskit's --copy-up), so its root uses the user's installation.
Scope scope_of_caller(const char* path = system_config);

// The path of the configuration: a user's is in $XDG_CONFIG_HOME, or else in $HOME/.config. Empty if neither
// is an absolute path.
std::string config_path(Scope scope);

// The default runtime_dir: a user's is in $XDG_RUNTIME_DIR. Empty if that is not an absolute path.
std::string default_runtime_dir(Scope scope);

// The configuration at `named`, which is --config; if that is empty, at $OCI_OAUTH_CONFIG, else at the
// default place. With a runtime_dir, and of what it says of a fleet's hosts, what concerns this one. Failure:
// kind configuration, also if there is no file.
Result<Config> open_configuration(const std::string& named);

}  // namespace oci_oauth
