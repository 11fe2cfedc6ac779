// SPDX-License-Identifier: Apache-2.0
// Whose installation a program serves, decided in one place for the hook, the wrapper and the command: where
// they disagree, a container goes without a token and without a word.
#pragma once

#include <string>

namespace oci_oauth {

enum class Scope { system, user };

// The machine's installation for its root, and for root in a user namespace with its own system (an
// unprivileged LXC container): `path` and its existing parents belong to that root. In a rootless engine's
// user namespace one of them belongs to the host's root, an unknown user there, even above an /etc that was
// copied for it (rootlesskit's --copy-up), so its root uses the user's installation.
Scope scope_of_caller(const char* path = "/etc/oci-oauth/config.json");

// As getenv(3). A program whose environment is its caller's passes one that knows nothing.
using GetEnvironment = const char* (*)(const char* name);

// Where the configuration is: a user's in $XDG_CONFIG_HOME, else $HOME/.config. Empty where neither is an
// absolute path.
std::string config_path(Scope scope, GetEnvironment environment);

// runtime_dir where the configuration leaves it out: a user's in $XDG_RUNTIME_DIR. Empty where that is no
// absolute path.
std::string default_runtime_dir(Scope scope, GetEnvironment environment);

}  // namespace oci_oauth
