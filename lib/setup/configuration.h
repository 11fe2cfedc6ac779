// SPDX-License-Identifier: Apache-2.0
// The configuration that `install` writes if there is none: one profile for one login.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "setup/host.h"
#include "setup/plan.h"

namespace oci_oauth {

// The calling user's Claude Code login, or that of the user who ran sudo if the caller is root. Failure:
// there is none (login_required), or SUDO_USER and SUDO_UID are different users in the password database.
Result<std::string> find_login();

// A login that was named: an absolute path and, on this machine, a regular file. Failure: says what it is
// instead.
Result<std::string> named_login(const Tree& tree, const std::string& file);

// The required change of the configuration: it must exist, and name `real_runtime` if that is not empty.
// nullopt: no change. Failure: no login for a new configuration; it cannot be read; it names another login
// than `credentials`, or another runtime.
Result<std::optional<WantedFile>> plan_configuration(const Host& host, const Ledger& ledger,
                                                     const std::optional<std::string>& credentials,
                                                     const std::string& real_runtime);

}  // namespace oci_oauth
