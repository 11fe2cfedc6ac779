// SPDX-License-Identifier: Apache-2.0
// A screen that is drawn again when something happens, and a terminal that is left as it was found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// Draws what `draw` returns on stdout, a terminal, and again: when something changes in one of `directories`
// (inotify(7); one that is not there yet is looked for at each tick), when the terminal's size changes, and
// once a minute. Ends with ^C, SIGTERM or SIGHUP. Failure: that of `draw`, or of the terminal.
Result<void> watch(const std::vector<std::string>& directories,
                   const std::function<Result<std::string>()>& draw);

}  // namespace oci_oauth
