// SPDX-License-Identifier: Apache-2.0
// Which configuration a call of the wrapper is served by.
#pragma once

#include <optional>

#include "base/result.h"
#include "config/config.h"
#include "program/log.h"
#include "wrapper/runtime_call.h"

namespace oci_oauth {

// Result: nullopt if there is no configuration, or it cannot be used, which is logged. Failure: the reason,
// if a container is to be created and a profile with on_failure "block" may be concerned.
Result<std::optional<Config>> load_wrapper_config(const RuntimeCall& call, const Log& log);

}  // namespace oci_oauth
