// SPDX-License-Identifier: Apache-2.0
// A call of the hook: its command line, the configuration by which it is served, and what it does in the
// stages around the container's creation (creation.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fmt.h"
#include "base/result.h"
#include "config/config.h"
#include "oci/spec.h"
#include "program/log.h"

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

// Result: nullopt if there is nothing to do, or the problem has been logged. Failure: the problem, if a
// profile with on_failure "block" may be concerned; it is logged too.
Result<std::optional<Config>> load_hook_config(const HookArguments& arguments, bool is_host_root,
                                               const Log& log);

struct HookCall {
  const Config& config;
  std::vector<std::string> profiles;  // --profile
  const ContainerState& state;
  const Log& log;
  bool is_host_root = false;      // of the caller, process.h
  std::string installation = {};  // its prefix; empty: the running program's

  // What a message is about.
  std::string about(std::string_view profile) const {
    return fmt::format("profile '{}', container {}", profile, state.id);
  }
  void warn(std::string_view profile, std::string_view what, std::string_view hint) const {
    log.write(Priority::warning, fmt::format("{}: {}", about(profile), what), hint);
  }
};

// Podman's stage before a container is created (oci-hooks(5), "precreate"). Result: the config.json to use:
// `text` with the environment variables of each profile that a person chose for the container, among them
// `profiles` (--profile); the same text if there are none. Problems are logged, and the text stays.
std::string precreate(const std::string& text, const Config& config, const std::vector<std::string>& profiles,
                      const Log& log);

// For a container that is gone: removes what was written for it, and its record. Problems are logged.
void poststop(const HookCall& call);

}  // namespace oci_oauth
