// SPDX-License-Identifier: Apache-2.0
// The configuration that `install` writes if there is none: a profile for each login that is named or found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "setup/change.h"
#include "setup/find_logins.h"
#include "setup/host.h"

namespace oci_oauth {

// The tree's directories of providers, and that of this installation for a tree that has none yet.
std::vector<std::string> provider_places(const Host& host);

// The login of `credentials`, which is Claude Code's unless `provider` says otherwise; the one of `provider`
// in the caller's home; or all of the caller's home.
struct LoginChoice {
  std::optional<std::string> credentials = {}, provider = {};
};

struct PlannedConfiguration {
  Change change;                   // of the whole file if that is ours to write, otherwise of none of it
  std::vector<std::string> notes;  // for each profile that is new, or missing in a person's file
};

// A configuration with the chosen profiles. Failure: no login for a new configuration, or none of those that
// were named; the configuration cannot be read, or is a person's and has no profile for a login that was
// named.
Result<PlannedConfiguration> plan_configuration(const Host& host, const LoginChoice& choice);

// Makes it name the wrapper's runtime too. Failure: it names another one.
Result<void> set_runtime(Change& change, const std::string& real_runtime);

// The host's configuration as it will be, or as it is; without one, a profile for Claude. Failure: it cannot
// be read.
Result<Config> configuration_of(const Host& host);

}  // namespace oci_oauth
