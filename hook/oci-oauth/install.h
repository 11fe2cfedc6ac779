// SPDX-License-Identifier: Apache-2.0
// What install and setup share: making what was planned for an engine.
#pragma once

#include <string>

#include "program/exit_code.h"
#include "program/log.h"
#include "report/progress.h"
#include "setup/engine.h"
#include "setup/host.h"

namespace oci_oauth {

// Whether the caller makes a running daemon read its files again, or a person is told to.
enum class Reload { by_person, by_caller };

// Changes the files, enables the units, and prints each change.
ExitCode carry_out(const Log& log, const Host& host, Installation& installation, const std::string& engine,
                   Reload reload, Progress& progress);

}  // namespace oci_oauth
