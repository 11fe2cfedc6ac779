// SPDX-License-Identifier: Apache-2.0
// oci-oauth units: generates, for systemd's generator, what the units need from the configuration.
#include <sys/stat.h>

#include <cstdlib>

#include "base/file.h"
#include "base/path.h"
#include "command.h"
#include "config/scope.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "units";

// $SYSTEMD_SCOPE says which manager runs a generator, systemd.generator(7); without it, the caller's own
// manager is meant.
ServiceManager service_manager() {
  const char* scope = std::getenv("SYSTEMD_SCOPE");
  const std::string_view word = scope == nullptr ? "" : scope;
  const bool by_hand = word.empty();
  return word == "user" || (by_hand && scope_of_caller() == Scope::user) ? ServiceManager::user
                                                                         : ServiceManager::system;
}

Result<void> write_unit(const std::string& directory, const UnitFile& unit) {
  const std::string path = directory + "/" + unit.path, parent = parent_directory(path);
  if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return Error::from_errno(errno, parent);
  auto opened = TRY(open_file({.path = parent}, O_RDONLY | O_DIRECTORY));
  return replace_file(opened.get(), path.substr(parent.size() + 1), parent, unit.text, {.mode = 0644});
}

}  // namespace

ExitCode units(const Invocation& invocation) {
  const auto& rest = invocation.arguments.operands;
  if (rest.size() != 1) return report(invocation.log, usage_error(verb, "needs one directory"));
  // Root's logins belong to the system.
  const ServiceManager manager = service_manager();
  if (manager == ServiceManager::user && scope_of_caller() == Scope::system) return ExitCode::fine;
  const auto config = open_configuration(invocation);
  if (!config) return report(invocation.log, config.error());
  const auto files = unit_files(*config, manager);
  if (!files) return report(invocation.log, files.error());
  for (const UnitFile& file : *files) {
    if (auto written = write_unit(rest.front(), file); !written)
      return report(invocation.log, written.error());
  }
  return ExitCode::fine;
}

}  // namespace oci_oauth
