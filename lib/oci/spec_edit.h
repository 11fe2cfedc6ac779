// SPDX-License-Identifier: Apache-2.0
// Adds hooks and environment to a config.json, as text: every byte that was there stays, so do the order of
// keys and numbers that no double can hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

struct SpecEdit {
  // Entries of "hooks" (OCI runtime-spec, config.md "POSIX-platform Hooks") as JSON; empty: none.
  std::string create_runtime = {}, poststop = {};
  // An entry whose path ends in this name is ours already, whoever wrote it, and no second one is added.
  std::string hook_name = {};
  // "NAME=value" each; a variable that is set already stays as it is.
  std::vector<std::string> environment = {};
};

// Result: the edited text, equal to `text` where nothing was missing. Failure: "SOURCE:LINE:COLUMN: reason"
// for text that is not JSON, or where a member on the way has another type or stands twice.
Result<std::string> edit_spec(const std::string& text, std::string_view source, const SpecEdit& edit);

// The same for the process object alone, which engines hand over for an exec (config.md "Process").
Result<std::string> edit_process(const std::string& text, std::string_view source,
                                 const std::vector<std::string>& environment);

}  // namespace oci_oauth
