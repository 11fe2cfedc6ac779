// SPDX-License-Identifier: Apache-2.0
#include "program/installed_programs.h"

#include "base/fmt.h"
#include "base/process.h"

namespace oci_oauth {

Result<InstalledPrograms> InstalledPrograms::find() {
  return InstalledPrograms{TRY(installation_prefix(levels_of_command))};
}

std::string InstalledPrograms::command() const {
  return prefix + "/bin/oci-oauth";
}

std::string InstalledPrograms::helper(std::string_view name) const {
  return fmt::format("{}/libexec/oci-oauth/{}", prefix, name);
}

}  // namespace oci_oauth
