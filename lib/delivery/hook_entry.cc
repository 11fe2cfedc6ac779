// SPDX-License-Identifier: Apache-2.0
#include "delivery/hook_entry.h"

#include "base/child.h"
#include "base/fmt.h"

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
  JsonValue arguments = json_array(), environment = json_array();
  const auto add = [&](JsonValue& array, std::string_view text) { json_append(array, text); };
  add(arguments, hook_name);
  if (!hook.config.empty()) {
    add(arguments, "--config");
    add(arguments, hook.config);
  }
  for (const std::string& profile : profiles) {
    add(arguments, "--profile");
    add(arguments, profile);
  }
  add(arguments, stage);
  add(environment, system_path);

  JsonValue entry = json_object();
  json_set(entry, "path", hook.path);
  json_set(entry, "args", std::move(arguments));
  json_set(entry, "env", std::move(environment));
  json_set(entry, "timeout", JsonValue(timeout_seconds));
  return entry;
}

}  // namespace oci_oauth
