// SPDX-License-Identifier: Apache-2.0
// What an engine needs in its files, derived from their current content by one planner for each engine.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "setup/change.h"
#include "setup/host.h"

namespace oci_oauth {

enum class Default { as_is, ours };

// A planner fills in the files and what is to be said of them; engine.h does the rest.
struct Plan {
  std::vector<Change> changes = {};
  std::vector<std::string> notes = {};  // what a person should know
  std::vector<std::string> next = {};   // what a person must do for it to take effect
  std::string real_runtime = {};  // what the wrapper must run instead of the default; empty: the default
  std::string unread = {};        // why the engine will not read it; empty: it will
  std::string withdrawn = {};     // what an uninstall left behind for now, and why; empty: nothing

  std::string engine = {};
  std::vector<std::string> units = {};  // to enable, or to disable
  Ledger ledger = {};                   // as it is afterwards

  bool is_done() const { return changes.empty() && units.empty(); }
};

// Failure: an engine's file cannot be read or parsed, or its content conflicts with ours.
Result<Plan> plan_podman(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_crio(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_docker(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_containerd(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_cdi(const Host& host, const Ledger& ledger, Default as_default);
// What uninstall does instead of the opposite of plan_docker, plan_containerd: what stays for now, and why.
// Failure: our part of the file cannot be distinguished from the rest.
Result<Plan> plan_docker_removal(const Host& host, const Ledger& ledger);
Result<Plan> plan_containerd_removal(const Host& host, const Ledger& ledger);

// The engine's own check of its file; a success if it has none. Failure: it would not start with that text.
Result<void> check_docker(const Host& host, const std::optional<std::string>& text);
Result<void> check_containerd(const Host& host, const std::optional<std::string>& text);

}  // namespace oci_oauth
