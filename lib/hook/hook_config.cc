// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fmt.h"
#include "config/scope.h"

namespace oci_oauth {

namespace {

// A hook file applies to the whole system, so the hook also runs for rootless users' containers, which must
// not use somebody else's configuration.
bool is_for_caller(const std::string& config) {
  struct stat status;
  return ::stat(config.c_str(), &status) != 0 || status.st_uid == ::geteuid();
}

}  // namespace

Result<std::optional<Config>> load_hook_config(const HookArguments& arguments, bool is_host_root,
                                               const Log& log) {
  const bool is_rootless = !is_host_root && scope_of_caller() == Scope::user;
  const std::string path = arguments.config.empty() ? system_config : arguments.config;
  if (is_rootless && (arguments.config.empty() || !is_for_caller(path))) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    log.write(Priority::error, config.error());
    if (could_block(path, !arguments.profiles.empty())) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && is_rootless) {
    log.write(Priority::error,
              fmt::format("{}: /runtime_dir: is missing, and a hook does not see XDG_RUNTIME_DIR", path),
              "set it to what 'echo $XDG_RUNTIME_DIR/oci-oauth' prints for the user");
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty()) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

}  // namespace oci_oauth
