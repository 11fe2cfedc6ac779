// SPDX-License-Identifier: Apache-2.0
#include "setup/host.h"

#include "base/fmt.h"
#include "base/process.h"
#include "config/config.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

std::string absolute_from_environment(const char* name, const std::string& otherwise) {
  const std::string_view value = from_environment(name);
  return value.starts_with('/') ? std::string(value) : otherwise;
}

// The running program's installation; if it is in the tree itself, as a path in the tree.
std::string prefix_in(const Tree& tree) {
  const auto prefix = installation_prefix(levels_of_command);
  if (!prefix || !prefix->starts_with('/')) return "/usr";
  if (tree.is_host() || !prefix->starts_with(tree.root() + "/")) return *prefix;
  return prefix->substr(tree.root().size());
}

}  // namespace

Result<Host> open_host(const std::string& root) {
  auto tree = TRY(Tree::open(root));
  std::string prefix = prefix_in(tree);
  if (!tree.is_host() || scope_of_caller() == Scope::system) {
    return Host{.tree = std::move(tree),
                .prefix = std::move(prefix),
                .config = system_config,
                .ledger = "/var/lib/oci-oauth/install.json"};
  }
  const std::string home = absolute_from_environment("HOME", "");
  const std::string runtime = absolute_from_environment("XDG_RUNTIME_DIR", "");
  if (home.empty() || runtime.empty()) {
    return Error{ErrorKind::configuration,
                 fmt::format("{} does not name a directory", home.empty() ? "HOME" : "XDG_RUNTIME_DIR"),
                 "log in as this user; for the whole machine: sudo $0"};
  }
  const std::string config_home = absolute_from_environment("XDG_CONFIG_HOME", home + "/.config");
  const std::string state_home = absolute_from_environment("XDG_STATE_HOME", home + "/.local/state");
  return Host{.tree = std::move(tree),
              .scope = Scope::user,
              .prefix = std::move(prefix),
              .config = config_path(Scope::user, own_environment),
              .ledger = state_home + "/oci-oauth/install.json",
              .runtime_dir = default_runtime_dir(Scope::user, own_environment),
              .config_home = config_home,
              .data_home = absolute_from_environment("XDG_DATA_HOME", home + "/.local/share")};
}

}  // namespace oci_oauth
