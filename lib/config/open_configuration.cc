// SPDX-License-Identifier: Apache-2.0
#include "config/open_configuration.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

#include "config/scope.h"

namespace oci_oauth {

namespace {

Result<std::string> find_config() {
  if (const auto named = from_environment("OCI_OAUTH_CONFIG"); !named.empty()) return std::string(named);
  std::string path = config_path(scope_of_caller(), own_environment);
  if (!path.empty()) return path;
  return Error{ErrorKind::configuration, "neither XDG_CONFIG_HOME nor HOME names a directory",
               "name the configuration with --config FILE"};
}

Result<std::string> find_runtime_dir() {
  std::string path = default_runtime_dir(scope_of_caller(), own_environment);
  if (!path.empty()) return path;
  return Error{ErrorKind::configuration, "no runtime_dir is configured and XDG_RUNTIME_DIR is not set",
               "set \"runtime_dir\" in the configuration"};
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Of a configuration that several hosts share, what concerns this one.
void narrow_to_this_host(Config& config) {
  const std::string host = config.fleet && !config.fleet->host.empty() ? config.fleet->host : host_name();
  std::erase_if(config.sinks, [&](const Sink& sink) { return !sink.host.empty() && sink.host != host; });
  if (!config.fleet) return;
  FleetConfig& fleet = *config.fleet;
  fleet.host = host;
  if (std::ranges::find(fleet.refreshers, host) != fleet.refreshers.end()) fleet.role = FleetRole::refresher;
}

}  // namespace

Result<Config> open_configuration(const std::string& named) {
  auto config = load_config(named.empty() ? TRY(find_config()) : named);
  if (!config && config.error().kind == ErrorKind::not_found) {
    config.error().kind = ErrorKind::configuration;
    if (named.empty() && from_environment("OCI_OAUTH_CONFIG").empty())
      return std::move(config).error().with_hint("oci-oauth setup");
  }
  if (!config) return config;
  if (config->runtime_dir.empty()) config->runtime_dir = TRY(find_runtime_dir());
  narrow_to_this_host(*config);
  return config;
}

}  // namespace oci_oauth
