// SPDX-License-Identifier: Apache-2.0
// Jobs that may hang, each in its own process: none delays another, and all end within a time limit.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/wait.h"

namespace oci_oauth {

// Runs all jobs at once. SIGTERM, SIGINT and SIGHUP are passed on to them. Result: what each returned, 0 to
// 255; nullopt if it did not end by itself.
std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience);

}  // namespace oci_oauth
