// SPDX-License-Identifier: Apache-2.0
// How long every process leaves a token endpoint in peace after it failed. Pure.
#pragma once

#include <optional>

#include "base/time.h"
#include "token/published.h"

namespace oci_oauth {

// `failures` in a row, this one included; `jitter` in [0, 1). What the server asked for counts, between 1 s
// and 1 h; else 30 s, doubled with each failure up to 30 min, and spread by a quarter either way. Zero for
// failures that are not the server's.
Milliseconds cooldown(FailureKind kind, unsigned failures, std::optional<Milliseconds> retry_after,
                      double jitter);

}  // namespace oci_oauth
