// SPDX-License-Identifier: Apache-2.0
#include "wrapper/wrapper_config.h"

#include "config/scope.h"

namespace oci_oauth {

Result<std::optional<Config>> load_wrapper_config(const RuntimeCall& call, const Log& log) {
  const Scope scope = scope_of_caller();
  const bool is_rootless = scope == Scope::user;
  // A rootless engine's environment belongs to its user, who gains nothing by changing it.
  const std::string path = config_path(scope, own_environment);
  if (path.empty()) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    const bool is_quiet = !call.creates() || (is_rootless && config.error().kind == ErrorKind::not_found);
    if (!is_quiet) log.write(Priority::warning, config.error());
    if (call.creates() && could_block(path, false)) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && !is_rootless) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

}  // namespace oci_oauth
