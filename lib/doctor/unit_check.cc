// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/command_output.h"
#include "base/fmt.h"
#include "config/scope.h"
#include "doctor/checks.h"
#include "setup/systemd.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds systemctl_bound = std::chrono::seconds(10);

struct Unit {
  std::string name;
  Verdict when_inactive;
  std::string_view consequence;
};

const Unit units[] = {
    {"oci-oauth-refresh.timer", Verdict::problem, "logins are refreshed only when a container starts"},
    {"oci-oauth-boot.timer", Verdict::warning, "after a boot, logins are not refreshed until the next tick"},
    {"oci-oauth-refresh.path", Verdict::warning, "a new login is noticed only at the next tick"},
    {"oci-oauth-refresh.socket", Verdict::warning,
     "hooks start a refresh themselves if a token is not fresh"},
};

// sd_booted(3)
bool systemd_runs() {
  struct stat status;
  return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> systemctl(std::vector<std::string> arguments) {
  std::vector<std::string> command = {"systemctl"};
  if (scope_of_caller() == Scope::user) command.emplace_back("--user");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

using Properties = std::map<std::string, std::string, std::less<>>;

Properties parse_properties(std::string_view text) {
  Properties properties;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const size_t equals = line.find('='); equals != std::string_view::npos) {
      properties.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return properties;
}

std::string enable_command(const Unit& unit) {
  return fmt::format("systemctl {}enable --now {}", scope_of_caller() == Scope::system ? "" : "--user ",
                     unit.name);
}

Finding check_unit(const Unit& unit) {
  const std::string check = fmt::format("unit {}", unit.name);
  auto output = run_command(systemctl({"show", unit.name, "--property",
                                       "LoadState,ActiveState,UnitFileState,NextElapseUSecRealtime,Result"}),
                            systemctl_bound);
  if (!output) return problem(check, output.error());
  if (output->status != 0) {
    return {check, Verdict::problem, fmt::format("systemctl: exit status {}", output->status),
            fmt::format("systemctl status {}", unit.name)};
  }
  const Properties properties = parse_properties(output->out);
  const auto value = [&](std::string_view name) {
    const auto found = properties.find(name);
    return found == properties.end() ? std::string() : found->second;
  };
  if (value("LoadState") != "loaded") {
    const bool missing = value("LoadState") == "not-found";
    return {check, unit.when_inactive,
            fmt::format("is {}: {}", missing ? "not installed" : value("LoadState"), unit.consequence),
            "oci-oauth install systemd"};
  }
  if (value("ActiveState") != "active") {
    return {check, unit.when_inactive, fmt::format("is {}: {}", value("ActiveState"), unit.consequence),
            enable_command(unit)};
  }
  const std::string next = value("NextElapseUSecRealtime");
  return {check, Verdict::ok, next.empty() ? "active" : fmt::format("active, next at {}", next), ""};
}

// A login's unit cannot be enabled by itself: it belongs to oci-oauth-refresh.path. Reported only if it is
// inactive.
void check_login_units(const CheckContext& context, Findings& findings) {
  std::set<std::string> seen;
  for (const Profile& profile : context.config.profiles) {
    if (profile.source || !seen.insert(profile.credentials).second) continue;
    Finding finding = check_unit(
        {login_path_unit(profile.name), Verdict::warning, "a new login is noticed only at the next tick"});
    if (finding.verdict == Verdict::ok) continue;
    const std::string systemctl_word = scope_of_caller() == Scope::system ? "systemctl" : "systemctl --user";
    finding.remedy = fmt::format("{0} daemon-reload && {0} restart oci-oauth-refresh.path", systemctl_word);
    findings.push_back(std::move(finding));
  }
}

// Without lingering, a user's service manager, and $XDG_RUNTIME_DIR with all tokens in it, end with the last
// session, logind(8).
std::optional<Finding> check_linger() {
  if (scope_of_caller() == Scope::system || lingers(::geteuid())) return std::nullopt;
  return Finding{
      "linger", Verdict::warning,
      "is off: after you log out, logins are not refreshed, and running containers keep their token",
      linger_command};
}

}  // namespace

Findings check_units(const CheckContext& context) {
  if (!systemd_runs()) {
    return {{"units", Verdict::warning,
             "systemd is not running: logins are refreshed only when a container starts",
             "run 'oci-oauth refresh' every 30 minutes, for example from cron"}};
  }
  Findings findings;
  for (const Unit& unit : units) findings.push_back(check_unit(unit));
  // If its starter is inactive, one hint is enough.
  const bool follows = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.check == "unit oci-oauth-refresh.path" && finding.verdict != Verdict::ok;
  });
  if (follows) check_login_units(context, findings);
  if (auto linger = check_linger()) findings.push_back(std::move(*linger));
  return findings;
}

}  // namespace oci_oauth
