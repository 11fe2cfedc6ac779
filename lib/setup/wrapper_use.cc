// SPDX-License-Identifier: Apache-2.0
#include "setup/wrapper_use.h"

#include <set>

#include "base/fmt.h"
#include "base/json.h"
#include "setup/docker_daemon.h"

namespace oci_oauth {

namespace {

constexpr const char* tasks = "io.containerd.runtime.v2.task";

// The shim records its runtime in a separate file and among its options.
bool is_run_by_wrapper(const Tree& tree, const std::string& bundle) {
  if (is_wrapper(tree.text_of(bundle + "/runtime"))) return true;
  const auto json = parse_json(tree.text_of(bundle + "/options.json"), bundle);
  return json && json->IsObject() && is_wrapper(json_string(*json, "binary_name").value_or(""));
}

void add_containers(const Tree& tree, const std::string& state_directory, std::set<std::string>& ids) {
  const std::string root = fmt::format("{}/{}", state_directory, tasks);
  for (const std::string& space : tree.list(root)) {
    for (const std::string& id : tree.list(fmt::format("{}/{}", root, space))) {
      if (is_run_by_wrapper(tree, fmt::format("{}/{}/{}", root, space, id))) ids.insert(id);
    }
  }
}

}  // namespace

bool is_wrapper(std::string_view program) {
  return program == "oci-oauth-runtime" || program.ends_with("/oci-oauth-runtime");
}

// Those of containerd itself, of k3s and RKE2, and of the one that dockerd starts if there is no other.
std::vector<std::string> containers_run_by_wrapper(const Host& host) {
  const DockerDaemon docker = find_docker(host);
  const auto seen = tree_of(docker);
  std::set<std::string> ids;
  add_containers(host.tree, "/run/containerd", ids);
  add_containers(host.tree, "/run/k3s/containerd", ids);
  add_containers(seen ? *seen : host.tree,
                 docker.flag("--exec-root").value_or("/run/docker") + "/containerd/daemon", ids);
  return {ids.begin(), ids.end()};
}

}  // namespace oci_oauth
