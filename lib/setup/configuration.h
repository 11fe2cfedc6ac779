// SPDX-License-Identifier: Apache-2.0
// The configuration that `install` writes where there is none: one profile for one login.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "setup/host.h"
#include "setup/plan.h"

namespace oci_oauth {

// Claude Code's login of the person who calls: of the user who called sudo where the caller is root. Failure:
// there is none (login_required), or SUDO_USER and SUDO_UID are different users of the password database.
Result<std::string> find_login();

// A login that was named: absolute, and on this machine a regular file. Failure: says what it is instead.
Result<std::string> named_login(const Tree& tree, const std::string& file);

// What the configuration needs: to be there, and to name `real_runtime` where that is not empty. nullopt:
// nothing. Failure: no login is found for a new one; it is not to be read; it names another login than
// `credentials`, or another runtime.
Result<std::optional<WantedFile>> plan_configuration(const Host& host, const Ledger& ledger,
                                                     const std::optional<std::string>& credentials,
                                                     const std::string& real_runtime);

}  // namespace oci_oauth
