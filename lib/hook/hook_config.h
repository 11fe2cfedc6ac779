// SPDX-License-Identifier: Apache-2.0
// Which configuration a call of the hook is served by.
#pragma once

#include <optional>

#include "base/result.h"
#include "config/config.h"
#include "hook/arguments.h"
#include "program/log.h"

namespace oci_oauth {

// Result: nullopt if there is nothing to do, or the problem has been logged. Failure: the problem, if a
// profile with on_failure "block" may be concerned; it is logged too.
Result<std::optional<Config>> load_hook_config(const HookArguments& arguments, bool is_host_root,
                                               const Log& log);

}  // namespace oci_oauth
