// SPDX-License-Identifier: Apache-2.0
// What each engine needs in its files, derived from their current content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "setup/host.h"
#include "setup/registration.h"

namespace oci_oauth {

enum class Default { as_is, ours };

struct Plan {
  std::vector<WantedFile> files = {};
  std::vector<std::string> unwanted = {};  // other engines' files that would do harm here
  // what the wrapper must run instead of the default; empty: the default
  std::string real_runtime = {};
  std::string unread = {};              // why the engine will not read it; empty: it will
  std::string withdrawn = {};           // what an uninstall left behind for now, and why; empty: nothing
  std::vector<std::string> notes = {};  // what a person should know
  std::vector<std::string> next = {};   // what a person must do for it to take effect
};

// Failure: an engine's file cannot be read or parsed, or its content conflicts with ours.
Result<Plan> plan_podman(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_crio(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_docker(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_containerd(const Host& host, const Ledger& ledger, Default as_default);
// What uninstall does instead of the opposite of plan_docker, plan_containerd: what stays for now, and why.
// Failure: our part of the file cannot be distinguished from the rest.
Result<Plan> plan_docker_removal(const Host& host, const Ledger& ledger);
Result<Plan> plan_containerd_removal(const Host& host, const Ledger& ledger);

// The engine's own check of the planned files. Failure: it would not start with them.
Result<void> check_docker(const Host& host, const Registration& registration);
Result<void> check_containerd(const Host& host, const Registration& registration);

Result<Plan> plan_cdi(const Host& host, const Ledger& ledger, Default as_default);

}  // namespace oci_oauth
