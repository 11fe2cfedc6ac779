// SPDX-License-Identifier: Apache-2.0
#include "setup/wrapper_use.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"
#include "setup/docker_daemon.h"

namespace oci_oauth {

namespace {

constexpr const char* tasks = "io.containerd.runtime.v2.task";

// Those of containerd itself, of k3s and RKE2, and of the one that dockerd starts if there is no other.
std::vector<std::string> state_directories(const Host& host) {
  const std::string exec_root = find_docker(host).flag("--exec-root").value_or("/run/docker");
  return {"/run/containerd", "/run/k3s/containerd", exec_root + "/containerd/daemon"};
}

// The shim records its runtime in a separate file and among its options.
bool is_run_by_wrapper(const Host& host, const std::string& bundle) {
  const auto runtime = host.tree.read(bundle + "/runtime");
  if (runtime && *runtime && is_wrapper(**runtime)) return true;
  const auto options = host.tree.read(bundle + "/options.json");
  if (!options || !*options) return false;
  const auto json = parse_json(**options, bundle);
  return json && json->IsObject() && is_wrapper(json_string(*json, "binary_name").value_or(""));
}

}  // namespace

bool is_wrapper(std::string_view program) {
  return program == "oci-oauth-runtime" || program.ends_with("/oci-oauth-runtime");
}

std::vector<std::string> containers_run_by_wrapper(const Host& host) {
  std::vector<std::string> ids;
  for (const std::string& directory : state_directories(host)) {
    const std::string root = fmt::format("{}/{}", directory, tasks);
    for (const std::string& space : host.tree.list(root)) {
      for (const std::string& id : host.tree.list(fmt::format("{}/{}", root, space))) {
        if (is_run_by_wrapper(host, fmt::format("{}/{}/{}", root, space, id))) ids.push_back(id);
      }
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace oci_oauth
