// SPDX-License-Identifier: Apache-2.0
// Jobs that may hang, each in a process of its own: none delays another, and all are over within a bound.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"

namespace oci_oauth {

struct Patience {
  Milliseconds until_told;    // then each job that is left gets SIGTERM
  Milliseconds until_killed;  // then SIGKILL, and nobody waits any longer
};

// Runs every job at once. SIGTERM, SIGINT and SIGHUP are passed on to them. Result: what each returned, 0 to
// 255; nullopt where it did not end by itself.
std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience);

}  // namespace oci_oauth
