// SPDX-License-Identifier: Apache-2.0
// What `oci-oauth status` shows: a table for people, or the JSON that scripts rely on. Never a secret.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "token/config.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

Result<std::string> status_table(const Config& config, const RuntimeDir& runtime, Time now);
Result<std::string> status_json(const Config& config, const RuntimeDir& runtime, Time now);

}  // namespace oci_oauth
