// SPDX-License-Identifier: Apache-2.0
// How a runtime is told to run our hook, in a bundle's config.json or a CDI spec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace oci_oauth {

constexpr std::string_view hook_name = "oci-oauth-hook";

struct HookProgram {
  std::string path;         // absolute
  std::string config = {};  // --config; empty: the hook's default
};

// PREFIX/libexec/oci/hooks.d/oci-oauth-hook.
std::string hook_path(std::string_view prefix);

// The members path, args, env and timeout of an entry of "hooks" (OCI runtime-spec, config.md "POSIX-platform
// Hooks"). `profiles` are chosen by the call itself (--profile).
JsonValue hook_entry(const HookProgram& hook, std::string_view stage,
                     const std::vector<std::string>& profiles = {});

}  // namespace oci_oauth
