// SPDX-License-Identifier: Apache-2.0
// A screen that is redrawn when something changes, and a terminal that is restored at the end.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// What draws `text` on an xterm or the console with so many rows: each line overwrites the old one and
// clears only the rest of it, so nothing flickers.
std::string frame(std::string_view text, unsigned rows);

// Draws what `draw` returns on stdout, a terminal, and redraws it when something changes in one of
// `directories` (inotify(7); missing ones are looked for once a minute), when the terminal's size changes,
// and once a minute. Ends with ^C, SIGTERM or SIGHUP. Failure: that of `draw`, or of the terminal.
Result<void> watch(const std::vector<std::string>& directories,
                   const std::function<Result<std::string>()>& draw);

}  // namespace oci_oauth
