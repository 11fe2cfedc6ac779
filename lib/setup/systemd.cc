// SPDX-License-Identifier: Apache-2.0
#include "setup/systemd.h"

#include <pwd.h>
#include <sys/stat.h>

#include "base/command_output.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/engine_name.h"

namespace oci_oauth {

namespace {

constexpr auto systemctl_bound = std::chrono::seconds(90);  // systemd's own DefaultTimeoutStartSec

std::string unit_directory(const Host& host) {
  return fmt::format("{}/lib/systemd/{}", host.prefix, host.scope == Scope::system ? "system" : "user");
}

}  // namespace

std::vector<std::string> systemctl_command(Scope scope, const std::vector<std::string>& words) {
  std::vector<std::string> command = {"systemctl"};
  if (scope == Scope::user) command.emplace_back("--user");
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

bool has_systemd(const Host& host) {
  if (!host.tree.is_host() || !host.tree.exists("/run/systemd/system")) return false;
  return host.scope == Scope::system || host.tree.exists(parent_directory(host.runtime_dir) + "/systemd");
}

bool lingers(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  struct stat status;
  if (user == nullptr || ::stat("/var/lib/systemd", &status) != 0) return true;
  return ::stat(fmt::format("/var/lib/systemd/linger/{}", user->pw_name).c_str(), &status) == 0;
}

std::vector<std::string> installable_units(const Host& host, std::string_view engine) {
  std::vector<std::string> units;
  for (std::string& name : host.tree.list(unit_directory(host))) {
    if (!name.starts_with("oci-oauth-")) continue;
    if (name.starts_with("oci-oauth-proxy") && engine != engine_name::proxy) continue;
    const std::string text = host.tree.text_of(fmt::format("{}/{}", unit_directory(host), name));
    if (text.find("\n[Install]\n") != std::string::npos) units.push_back(std::move(name));
  }
  return units;
}

Result<std::vector<std::string>> disabled_units(const Host& host, std::string_view engine) {
  std::vector<std::string> disabled;
  for (const std::string& unit : installable_units(host, engine)) {
    const auto output =
        TRY(run_command(systemctl_command(host.scope, {"is-enabled", unit}), systemctl_bound));
    if (output.status != 0) disabled.push_back(unit);
  }
  return disabled;
}

Result<void> run_systemctl(const Host& host, const std::vector<std::string>& words,
                           const std::vector<std::string>& units) {
  std::vector<std::string> command = systemctl_command(host.scope, words);
  command.insert(command.end(), units.begin(), units.end());
  const auto output = TRY(run_command(command, systemctl_bound));
  if (output.status == 0) return {};
  const std::string unit = units.empty() ? "oci-oauth-refresh.service" : units.front();
  return Error{ErrorKind::failed,
               fmt::format("systemctl {}: {}", fmt::join(words, " "), first_line(output.err)),
               fmt::format("{}", fmt::join(systemctl_command(host.scope, {"status", unit}), " "))};
}

}  // namespace oci_oauth
