// SPDX-License-Identifier: Apache-2.0
// The hook's command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// Of the OCI runtime-spec, config.md "POSIX-platform Hooks", and Podman's own, oci-hooks(5).
enum class Stage { precreate, create_runtime, poststop };

struct HookArguments {
  Stage stage = Stage::create_runtime;
  std::string config;                 // --config, absolute; empty if absent
  std::vector<std::string> profiles;  // --profile
};

inline constexpr std::string_view hook_synopsis =
    "oci-oauth-hook [--config FILE] [--profile NAME]... precreate|createRuntime|prestart|poststop";

// `words` are the arguments without the program's name. Failure (kind usage): says what is wrong with them.
Result<HookArguments> parse_hook_arguments(const std::vector<std::string_view>& words);

}  // namespace oci_oauth
