// SPDX-License-Identifier: Apache-2.0
// The checks of what is the same for every login: the runtime directory, the engines, the units, the kernel.
#include <algorithm>
#include <set>

#include "base/fmt.h"
#include "base/text.h"
#include "doctor/checks.h"
#include "setup/engine.h"
#include "setup/systemd.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds systemctl_bound = std::chrono::seconds(10);

Finding judge_runtime_directory(const HostView& host, const std::string& path) {
  constexpr const char* check = "runtime directory";
  const RuntimeDirectoryView& view = host.runtime_directory;
  if (view.state == RuntimeDirectoryView::refused) return problem(check, view.error);
  if (view.state == RuntimeDirectoryView::missing) {
    // Host root mounts a tmpfs on share/; otherwise it is on its parent's file system.
    if (host.is_root || view.is_in_memory)
      return {check, Verdict::ok, fmt::format("{}: will be created by the first refresh", path)};
    return {check, Verdict::warning, fmt::format("{}: will be created on a disk by the first refresh", path),
            "set \"runtime_dir\" to a directory on a tmpfs, for example $XDG_RUNTIME_DIR/oci-oauth"};
  }
  if (!view.is_in_memory)
    return {check, Verdict::warning, fmt::format("{}/share: is on a disk: tokens are written to it", path),
            "set \"runtime_dir\" to a directory on a tmpfs, as /run is on most hosts"};
  if (host.is_root && !view.has_own_file_system)
    return {check, Verdict::warning,
            fmt::format("{}/share: shares its file system with other files, which a container could open "
                        "with open_by_handle_at(2)",
                        path),
            fmt::format("while no container is running: rm -r {} && oci-oauth refresh", shell_word(path))};
  return {check, Verdict::ok, fmt::format("{}: is private and in memory", path)};
}

// Several engines may be installed, and one registered.
Verdict verdict_on(const EngineState& engine) {
  const bool is_broken = engine.state == EngineState::unread || engine.state == EngineState::broken;
  return engine.state == EngineState::registered ? Verdict::ok
         : is_broken                             ? Verdict::problem
                                                 : Verdict::warning;
}

// A registration counts only once the running daemon has read it. A daemon that does not answer is not asked
// again.
bool is_unread_by_daemon(const EngineState& engine, const HostView& host) {
  if (engine.engine != engine_name::docker || engine.state != EngineState::registered) return false;
  const auto taken_up = host.docker_has_taken_up();
  return taken_up && !*taken_up;
}

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

// In the "NAME=VALUE" lines of systemctl(1); empty if it is missing.
std::string_view property(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    std::string_view value = next_line(lines);
    if (next_part(value, '=') == name) return value;
  }
  return {};
}

Finding check_unit(const HostView& host, const Unit& unit) {
  const std::string check = fmt::format("unit {}", unit.name);
  const auto output = host.run(
      systemctl_command(host.scope, {"show", unit.name, "--property",
                                     "LoadState,ActiveState,UnitFileState,NextElapseUSecRealtime,Result"}),
      systemctl_bound);
  if (!output) return problem(check, output.error());
  if (output->status != 0)
    return {check, Verdict::problem, fmt::format("systemctl: exit status {}", output->status),
            fmt::format("systemctl status {}", unit.name)};
  const std::string_view loaded = property(output->out, "LoadState");
  if (loaded != "loaded")
    return {check, unit.when_inactive,
            fmt::format("is {}: {}", loaded == "not-found" ? "not installed" : loaded, unit.consequence),
            "oci-oauth install systemd"};
  const std::string_view active = property(output->out, "ActiveState");
  if (active != "active")
    return {check, unit.when_inactive, fmt::format("is {}: {}", active, unit.consequence),
            fmt::format("{}", fmt::join(systemctl_command(host.scope, {"enable", "--now", unit.name}), " "))};
  const std::string_view next = property(output->out, "NextElapseUSecRealtime");
  return {check, Verdict::ok, next.empty() ? "active" : fmt::format("active, next at {}", next)};
}

// A login's unit cannot be enabled by itself: it belongs to oci-oauth-refresh.path. Reported only if it is
// inactive.
Findings check_login_units(const CheckContext& context) {
  Findings findings;
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
  return findings;
}

struct Feature {
  std::string_view name, since;
  bool KernelFeatures::*is_there;
  Verdict without;
  std::string_view consequence, remedy;
};

constexpr Feature features[] = {
    {"openat2", "5.6", &KernelFeatures::openat2, Verdict::problem,
     "no delivery: paths in a container cannot be resolved safely", "run Linux 5.6 or later"},
    {"open_tree, move_mount, mount_setattr", "5.12", &KernelFeatures::mount_calls, Verdict::problem,
     "delivery into bind-mounted directories only",
     "run Linux 5.12 or later, or bind-mount a directory at the target"},
    {"close_range", "5.9", &KernelFeatures::close_range, Verdict::warning,
     "inherited descriptors stay open in the hook", "run Linux 5.9 or later"},
    {"Landlock", "5.13", &KernelFeatures::landlock, Verdict::warning,
     "a refresh is confined by its owner's rights only", "add landlock to the kernel's lsm= parameter"},
};

}  // namespace

Findings check_runtime_directory(const CheckContext& context) {
  Findings findings = {judge_runtime_directory(context.host, context.config.runtime_dir)};
  for (const StrandedContainer& container : context.host.stranded) {
    findings.push_back(
        {fmt::format("container of process {}", container.process), Verdict::problem,
         fmt::format(
             "has no token at {}: the runtime directory that it came from was removed, as it is after the "
             "last logout without lingering",
             container.target),
         "recreate the container"});
  }
  return findings;
}

Findings check_engines(const CheckContext& context) {
  Findings findings;
  for (const EngineState& engine : context.host.engines) {
    if (engine.state == EngineState::absent) continue;
    const std::string check = engine.engine.empty()                   ? "engines"
                              : engine.engine == engine_name::systemd ? "units at boot"
                                                                      : "engine " + engine.engine;
    if (is_unread_by_daemon(engine, context.host)) {
      findings.push_back({check, Verdict::problem,
                          fmt::format("the running daemon has not read {}", engine.file), engine.reload});
    } else {
      findings.push_back({check, verdict_on(engine), engine.message, engine.remedy});
    }
  }
  if (!findings.empty()) return findings;
  return {{"engines", Verdict::warning, "no container engine is installed"}};
}

Findings check_units(const CheckContext& context) {
  const HostView& host = context.host;
  if (!host.has_systemd)
    return {{"units", Verdict::warning,
             "systemd is not running: logins are refreshed only when a container starts",
             "every 30 minutes, for example from cron: oci-oauth refresh"}};
  Findings findings;
  for (const Unit& unit : units) findings.push_back(check_unit(host, unit));
  // If its starter is inactive, one hint is enough.
  const bool follows = std::ranges::none_of(findings, [](const Finding& finding) {
    return finding.check == "unit oci-oauth-refresh.path" && finding.verdict != Verdict::ok;
  });
  if (follows) append(findings, check_login_units(context));
  // Without lingering, a user's service manager, and $XDG_RUNTIME_DIR with all tokens in it, end with the
  // last session, logind(8).
  if (host.scope == Scope::user && !host.lingers)
    findings.push_back(
        {"linger", Verdict::warning,
         "is off: after you log out, logins are not refreshed, and running containers lose their token",
         linger_command});
  return findings;
}

Findings check_kernel(const CheckContext& context) {
  Findings findings;
  std::vector<std::string_view> present;
  for (const Feature& feature : features) {
    present.push_back(feature.name);
    if (context.host.kernel.*feature.is_there) continue;
    findings.push_back({"kernel", feature.without,
                        fmt::format("{} (Linux {} or later) is not available: {}", feature.name,
                                    feature.since, feature.consequence),
                        std::string(feature.remedy)});
  }
  if (!findings.empty()) return findings;
  return {{"kernel", Verdict::ok, fmt::format("has {}", fmt::join(present, ", "))}};
}

}  // namespace oci_oauth
