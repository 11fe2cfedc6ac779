// SPDX-License-Identifier: Apache-2.0
// What each engine needs in its files, worked out from what they say now.
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
  std::vector<std::string> unwanted = {};  // files of other engines that would do harm here
  std::string real_runtime = {};           // what the wrapper must run instead of the usual; empty: the usual
  std::string unread = {};                 // why the engine will not see it; empty: it will
  std::string withdrawn = {};              // what an uninstall left behind for now, and why; empty: nothing
  std::vector<std::string> notes = {};     // what a person should know
  std::vector<std::string> next = {};      // what a person must do for it to take effect
};

// Failure: an engine's file cannot be read or parsed, or says what we cannot go along with.
Result<Plan> plan_podman(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_crio(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_docker(const Host& host, const Ledger& ledger, Default as_default);
Result<Plan> plan_containerd(const Host& host, const Ledger& ledger, Default as_default);
// What uninstall does instead of the opposite of plan_docker, plan_containerd: what stays for now, and why.
// Failure: what is ours in the file cannot be told from what is not.
Result<Plan> plan_docker_removal(const Host& host, const Ledger& ledger);
Result<Plan> plan_containerd_removal(const Host& host, const Ledger& ledger);

// The engine's own verdict on the files as they would be. Failure: it would not start with them.
Result<void> check_docker(const Host& host, const Registration& registration);
Result<void> check_containerd(const Host& host, const Registration& registration);

Result<Plan> plan_cdi(const Host& host, const Ledger& ledger, Default as_default);

}  // namespace oci_oauth
