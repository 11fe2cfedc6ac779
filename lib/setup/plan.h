// SPDX-License-Identifier: Apache-2.0
// What each engine needs in its files, worked out from what they say now.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "setup/registration.h"
#include "setup/site.h"

namespace oci_oauth {

enum class Default { as_is, ours };

struct Plan {
  std::vector<WantedFile> files = {};
  std::vector<std::string> unwanted = {};  // files of other engines that would do harm here
  std::string real_runtime = {};           // what the wrapper must run instead of the usual; empty: the usual
  std::string unread = {};                 // why the engine will not see it; empty: it will
  std::vector<std::string> notes = {};     // what a person should know
  std::vector<std::string> next = {};      // what a person must do for it to take effect
};

// Failure: an engine's file cannot be read or parsed, or says what we cannot go along with.
Result<Plan> plan_podman(const Site& site, const Ledger& ledger, Default as_default);
Result<Plan> plan_crio(const Site& site, const Ledger& ledger, Default as_default);
Result<Plan> plan_docker(const Site& site, const Ledger& ledger, Default as_default);
Result<Plan> plan_containerd(const Site& site, const Ledger& ledger, Default as_default);
Result<Plan> plan_cdi(const Site& site, const Ledger& ledger, Default as_default);

}  // namespace oci_oauth
