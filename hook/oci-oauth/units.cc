// SPDX-License-Identifier: Apache-2.0
// oci-oauth units: generates, for systemd's generator, what the units need from the configuration.
#include <cstdlib>

#include "base/environment.h"
#include "command.h"
#include "config/scope.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "units";

}  // namespace

Result<ExitCode> units(const Invocation& invocation) {
  const auto& rest = invocation.arguments.operands;
  if (rest.size() != 1) return usage_error(verb, "needs one directory");
  const Scope manager = service_manager_of(from_environment("SYSTEMD_SCOPE"), scope_of_caller());
  // Root's logins belong to the system.
  if (manager == Scope::user && scope_of_caller() == Scope::system) return ExitCode::fine;
  const auto config = TRY(open_configuration(invocation.config));
  const auto files = TRY(unit_files(config, manager));
  TRY(write_unit_files(files, rest.front()));
  return ExitCode::fine;
}

}  // namespace oci_oauth
