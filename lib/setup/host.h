// SPDX-License-Identifier: Apache-2.0
// The host that is being set up: a whole machine (or a tree of one), or one user's part of it.
#pragma once

#include <string>

#include "base/result.h"
#include "config/scope.h"
#include "delivery/hook_entry.h"
#include "setup/tree.h"

namespace oci_oauth {

struct Host {
  Tree tree;
  Scope scope = Scope::system;
  std::string prefix;  // of the programs, as a path of the tree
  std::string config;  // the configuration file
  std::string ledger;  // what was put here (ledger.h)
  std::string
      runtime_dir;  // only for a user: the configuration must name it, because hooks see no XDG_RUNTIME_DIR
  std::string config_home;     // only for a user: $XDG_CONFIG_HOME
  std::string data_home = {};  // only for a user: $XDG_DATA_HOME

  std::string hook() const { return hook_path(prefix); }
  std::string wrapper() const { return prefix + "/bin/oci-oauth-runtime"; }
};

// The machine where the caller is root or names another tree than "/", else the caller's own. Failure: `root`
// is no directory; a user without HOME and XDG_RUNTIME_DIR.
Result<Host> open_host(const std::string& root);

}  // namespace oci_oauth
