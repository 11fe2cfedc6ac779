// SPDX-License-Identifier: Apache-2.0
#include "delivery/hook_entry.h"

#include "base/fmt.h"
#include "base/spawn.h"

namespace oci_oauth {

namespace {

// The runtime kills a hook that takes longer; hook_wait is shorter.
constexpr int timeout_seconds = 15;

}  // namespace

std::string hook_path(std::string_view prefix) {
  return fmt::format("{}/libexec/oci/hooks.d/{}", prefix, hook_name);
}

JsonValue hook_entry(const HookProgram& hook, std::string_view stage,
                     const std::vector<std::string>& profiles) {
  std::vector<std::string_view> arguments = {hook_name};
  if (!hook.config.empty()) arguments.insert(arguments.end(), {"--config", hook.config});
  for (const std::string& profile : profiles) arguments.insert(arguments.end(), {"--profile", profile});
  arguments.push_back(stage);
  return json_object({{"path", hook.path},
                      {"args", arguments},
                      {"env", std::vector{system_path}},
                      {"timeout", timeout_seconds}});
}

}  // namespace oci_oauth
