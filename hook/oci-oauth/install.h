// SPDX-License-Identifier: Apache-2.0
// What install, uninstall and setup share: how a plan is shown and carried out.
#pragma once

#include <string>
#include <string_view>

#include "command.h"
#include "setup/engine.h"

namespace oci_oauth {

// Failure (usage): --config was given.
Result<void> refuse_config(std::string_view verb, const Invocation& invocation);

// The failure of a verb. Adds, unless it has a better hint, that nothing was changed, or nothing of an
// engine.
Error nothing_changed(std::string_view verb, Error error, std::string_view nothing = "nothing");

void tell_notes(const Log& log, const Plan& plan);

// "VERB UNIT": a line each.
std::string list_units(std::string_view verb, const std::vector<std::string>& units);

// Printed if there is nothing to do; empty otherwise.
std::string nothing_to_do(const Plan& plan);

// Prints what would be done: the files as a diff, and the units.
Result<ExitCode> show(const Log& log, const Plan& plan);

// Whether the caller makes a running daemon read its files again, or a person is told to.
enum class Reload { by_person, by_caller };

// Changes the files, enables the units, and prints each change.
Result<ExitCode> carry_out(const Log& log, const Host& host, const Plan& plan, Reload reload,
                           Progress& progress);

}  // namespace oci_oauth
