// SPDX-License-Identifier: Apache-2.0
// The host that is being set up: a whole machine (or its file tree), or one user's part of it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/scope.h"
#include "delivery/hook_entry.h"
#include "setup/tree.h"

namespace oci_oauth {

struct Host {
  Tree tree;
  Scope scope = Scope::system;
  std::string prefix;  // of the programs, as a path in the tree
  std::string config;  // the configuration file
  std::string ledger;  // what was changed here (ledger.h)
  // Only for a user. The configuration must name runtime_dir, because hooks do not see XDG_RUNTIME_DIR.
  std::string runtime_dir = {}, config_home = {}, data_home = {};
  std::string planned_configuration = {};  // what an installation will make of it; empty: it stays

  std::string hook() const { return hook_path(prefix); }
  std::string wrapper() const { return prefix + "/bin/oci-oauth-runtime"; }
};

// Whether a runtime's program is the wrapper, from this installation or another.
inline bool is_wrapper(std::string_view program) {
  return program == "oci-oauth-runtime" || program.ends_with("/oci-oauth-runtime");
}

// The machine if the caller is root or names a tree other than "/", otherwise the caller's own part. Failure:
// `root` is not a directory; a user without HOME and XDG_RUNTIME_DIR.
Result<Host> open_host(const std::string& root);

}  // namespace oci_oauth
