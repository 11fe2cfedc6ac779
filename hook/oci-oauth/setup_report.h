// SPDX-License-Identifier: Apache-2.0
// How install and uninstall tell what they do, or would do: a line for each file and unit, or a unified diff.
#pragma once

#include <string>

#include "command.h"
#include "setup/engine.h"

namespace oci_oauth {

// A failure before anything was touched: where its hint is not better, it says that.
Error nothing_changed(Error error);

// The changes as diff(1) -u shows them; what cannot be compared fails.
Result<std::string> diff_of(const Tree& tree, const std::vector<Change>& changes);

// "wrote PATH", "changed PATH", "removed PATH": a line each.
std::string told(const Tree& tree, const std::vector<Change>& changes);

// "VERB UNIT": a line each.
std::string told(std::string_view verb, const std::vector<std::string>& units);

}  // namespace oci_oauth
