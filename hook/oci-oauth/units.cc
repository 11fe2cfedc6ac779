// SPDX-License-Identifier: Apache-2.0
// oci-oauth units: generates, for systemd's generator, what the units need from the configuration.
#include <cstdlib>

#include "command.h"
#include "config/scope.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "units";

}  // namespace

ExitCode units(const Invocation& invocation) {
  const auto& rest = invocation.arguments.operands;
  if (rest.size() != 1) return report(invocation.log, usage_error(verb, "needs one directory"));
  const ServiceManager manager = service_manager_of(from_environment("SYSTEMD_SCOPE"), scope_of_caller());
  // Root's logins belong to the system.
  if (manager == ServiceManager::user && scope_of_caller() == Scope::system) return ExitCode::fine;
  const auto config = open_configuration(invocation.config);
  if (!config) return report(invocation.log, config.error());
  const auto files = unit_files(*config, manager);
  if (!files) return report(invocation.log, files.error());
  const auto written = write_unit_files(*files, rest.front());
  return written ? ExitCode::fine : report(invocation.log, written.error());
}

}  // namespace oci_oauth
