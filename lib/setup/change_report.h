// SPDX-License-Identifier: Apache-2.0
// How install and uninstall report what they do or would do: a line for each file and unit, or a unified
// diff.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "setup/engine.h"

namespace oci_oauth {

// Adds to a failure, unless it has a better hint, that nothing was changed.
Error nothing_changed(Error error);

// The changes in the format of diff -u. Failure: diff(1) cannot be run.
Result<std::string> diff_of(const Tree& tree, const std::vector<Change>& changes);

// "wrote PATH", "changed PATH", "removed PATH": a line each.
std::string list_changes(const Tree& tree, const std::vector<Change>& changes);

// "VERB UNIT": a line each.
std::string list_units(std::string_view verb, const std::vector<std::string>& units);

}  // namespace oci_oauth
