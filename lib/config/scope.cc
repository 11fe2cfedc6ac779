// SPDX-License-Identifier: Apache-2.0
#include "config/scope.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "config/config.h"

namespace oci_oauth {

namespace {

std::string directory(GetEnvironment environment, const char* name) {
  const char* value = environment(name);
  return value != nullptr && value[0] == '/' ? value : "";
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

std::string config_path(Scope scope, GetEnvironment environment) {
  if (scope == Scope::system) return system_config;
  const std::string base = directory(environment, "XDG_CONFIG_HOME");
  if (!base.empty()) return base + "/oci-oauth/config.json";
  const std::string home = directory(environment, "HOME");
  return home.empty() ? "" : home + "/.config/oci-oauth/config.json";
}

std::string default_runtime_dir(Scope scope, GetEnvironment environment) {
  if (scope == Scope::system) return system_runtime_dir;
  const std::string base = directory(environment, "XDG_RUNTIME_DIR");
  return base.empty() ? "" : base + "/oci-oauth";
}

}  // namespace oci_oauth
