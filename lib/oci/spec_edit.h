// SPDX-License-Identifier: Apache-2.0
// Adds hooks and environment variables to the text of a config.json: every existing byte stays, including the
// order of keys and numbers that a double cannot represent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

struct SpecEdit {
  // Entries of "hooks" (OCI runtime-spec, config.md "POSIX-platform Hooks") as JSON; empty: none.
  std::string create_runtime = {}, poststop = {};
  // An entry whose path ends in this name is already ours, whoever wrote it, and is not added a second time.
  std::string hook_name = {};
  // "NAME=value" each; a variable that is already set is kept.
  std::vector<std::string> environment = {};
};

// Result: the edited text, equal to `text` where nothing was missing. Failure: "SOURCE:LINE:COLUMN: /POINTER:
// reason" where a member on the way has another type or is there twice, and where the text is not JSON.
Result<std::string> edit_spec(std::string_view text, std::string_view source, const SpecEdit& edit);

// The same for a process object alone, which engines pass for an exec (config.md "Process").
Result<std::string> edit_process(std::string_view text, std::string_view source,
                                 const std::vector<std::string>& environment);

}  // namespace oci_oauth
