// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/fmt.h"
#include "base/text.h"
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

using Properties = std::map<std::string, std::string, std::less<>>;

Properties parse_properties(std::string_view text) {
  Properties properties;
  while (!text.empty()) {
    std::string_view value = next_line(text);
    const std::string_view name = next_part(value, '=');
    properties.emplace(name, value);
  }
  return properties;
}

Finding check_unit(const HostView& host, const Unit& unit) {
  const std::string check = fmt::format("unit {}", unit.name);
  const auto output = host.run(
      systemctl_command(host.scope, {"show", unit.name, "--property",
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
            fmt::format("{}", fmt::join(systemctl_command(host.scope, {"enable", "--now", unit.name}), " "))};
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
    Finding finding = check_unit(context.host, {login_path_unit(profile.name), Verdict::warning,
                                                "a new login is noticed only at the next tick"});
    if (finding.verdict == Verdict::ok) continue;
    finding.remedy = fmt::format("{0} daemon-reload && {0} restart oci-oauth-refresh.path",
                                 fmt::join(systemctl_command(context.host.scope, {}), " "));
    findings.push_back(std::move(finding));
  }
}

// Without lingering, a user's service manager, and $XDG_RUNTIME_DIR with all tokens in it, end with the last
// session, logind(8).
std::optional<Finding> check_linger(const HostView& host) {
  if (host.scope == Scope::system || host.lingers) return std::nullopt;
  return Finding{
      "linger", Verdict::warning,
      "is off: after you log out, logins are not refreshed, and running containers lose their token",
      linger_command};
}

}  // namespace

Findings check_units(const CheckContext& context) {
  const HostView& host = context.host;
  if (!host.has_systemd) {
    return {{"units", Verdict::warning,
             "systemd is not running: logins are refreshed only when a container starts",
             "every 30 minutes, for example from cron: oci-oauth refresh"}};
  }
  Findings findings;
  for (const Unit& unit : units) findings.push_back(check_unit(host, unit));
  // If its starter is inactive, one hint is enough.
  const bool follows = std::ranges::none_of(findings, [](const Finding& finding) {
    return finding.check == "unit oci-oauth-refresh.path" && finding.verdict != Verdict::ok;
  });
  if (follows) check_login_units(context, findings);
  if (auto linger = check_linger(host)) findings.push_back(std::move(*linger));
  return findings;
}

}  // namespace oci_oauth
