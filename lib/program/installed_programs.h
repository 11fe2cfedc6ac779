// SPDX-License-Identifier: Apache-2.0
// Where programs are installed, and those that are installed with the running one.
#pragma once

#include <string>

#include "base/process.h"

namespace oci_oauth {

// The directories between a program and PREFIX, as installation_prefix() counts them.
inline constexpr unsigned levels_of_command = 1;  // PREFIX/bin/oci-oauth, PREFIX/bin/oci-oauth-runtime
inline constexpr unsigned levels_of_helper = 2;   // PREFIX/libexec/oci-oauth/oci-oauth-probe
inline constexpr unsigned levels_of_hook = 3;     // PREFIX/libexec/oci/hooks.d/oci-oauth-hook

struct InstalledPrograms {
  std::string prefix;

  // Of a program in PREFIX/bin. Failure: /proc is not there.
  static Result<InstalledPrograms> find() {
    return InstalledPrograms{TRY(installation_prefix(levels_of_command))};
  }

  std::string command() const { return prefix + "/bin/oci-oauth"; }
  // One of the programs that only oci-oauth starts.
  std::string helper(const std::string& name) const { return prefix + "/libexec/oci-oauth/" + name; }
};

}  // namespace oci_oauth
