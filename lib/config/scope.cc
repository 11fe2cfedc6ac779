// SPDX-License-Identifier: Apache-2.0
#include "config/scope.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/process.h"

namespace oci_oauth {

namespace {

// `below` in the directory that a variable names; empty unless it names an absolute one.
std::string within(const char* variable, const char* below) {
  const std::string_view directory = from_environment(variable);
  return directory.starts_with('/') ? std::string(directory) + below : "";
}

void narrow_to_this_host(Config& config) {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  const std::string host = config.fleet && !config.fleet->host.empty() ? config.fleet->host : name;
  std::erase_if(config.sinks, [&](const Sink& sink) { return !sink.host.empty() && sink.host != host; });
  if (!config.fleet) return;
  config.fleet->host = host;
  if (std::ranges::count(config.fleet->refreshers, host) > 0) config.fleet->role = FleetRole::refresher;
}

}  // namespace

Scope scope_of_caller(const char* path) {
  if (is_host_root()) return Scope::system;
  if (::geteuid() != 0) return Scope::user;
  struct stat status;
  for (std::string at = path;; at.resize(at.rfind('/'))) {
    if (::stat(at.empty() ? "/" : at.c_str(), &status) == 0 && status.st_uid != 0) return Scope::user;
    if (at.empty()) return Scope::system;
  }
}

std::string config_path(Scope scope) {
  if (scope == Scope::system) return system_config;
  const std::string path = within("XDG_CONFIG_HOME", "/oci-oauth/config.json");
  return path.empty() ? within("HOME", "/.config/oci-oauth/config.json") : path;
}

std::string default_runtime_dir(Scope scope) {
  return scope == Scope::system ? system_runtime_dir : within("XDG_RUNTIME_DIR", "/oci-oauth");
}

Result<Config> open_configuration(const std::string& named) {
  std::string path(named.empty() ? from_environment("OCI_OAUTH_CONFIG") : named);
  const bool is_default = path.empty();
  if (is_default) path = config_path(scope_of_caller());
  if (path.empty())
    return Error{ErrorKind::configuration, "neither XDG_CONFIG_HOME nor HOME names a directory",
                 "name the configuration with --config FILE"};
  auto config = load_config(path);
  if (!config && config.error().kind == ErrorKind::not_found) {
    config.error().kind = ErrorKind::configuration;
    if (is_default) config.error().hint = "oci-oauth setup";
  }
  if (!config) return config;
  if (config->runtime_dir.empty()) config->runtime_dir = default_runtime_dir(scope_of_caller());
  if (config->runtime_dir.empty())
    return Error{ErrorKind::configuration, "no runtime_dir is configured and XDG_RUNTIME_DIR is not set",
                 "set \"runtime_dir\" in the configuration"};
  narrow_to_this_host(*config);
  return config;
}

}  // namespace oci_oauth
