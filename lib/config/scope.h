// SPDX-License-Identifier: Apache-2.0
// Whose installation a program serves, decided in one place for the hook, the wrapper and the command: where
// they disagree, a container goes without a token and without a word.
#pragma once

#include <string>

namespace oci_oauth {

enum class Scope { system, user };

// The machine's for its root, and for the root of a user namespace that has a system of its own (an
// unprivileged LXC container): `path` and each of its parents, as far as they are there, belong to that root.
// A rootless engine's root finds the host's there, or above an /etc that was copied for it (rootlesskit's
// --copy-up), which belongs to nobody it knows, and so serves its user.
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
