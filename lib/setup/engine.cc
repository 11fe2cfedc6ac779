// SPDX-License-Identifier: Apache-2.0
#include "setup/engine.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/fmt.h"
#include "base/text.h"
#include "setup/docker_daemon.h"
#include "setup/systemd.h"

namespace oci_oauth {

namespace {

// No files, only units, which are enabled if systemd is running.
Result<Plan> plan_systemd(const Host& host, Default) {
  const auto units = installable_units(host);
  if (host.tree.is_host() || units.empty()) return Plan();
  return Plan{.next = {fmt::format("systemctl --root {} enable {}", shell_word(host.tree.root()),
                                   fmt::join(units, " "))}};
}

bool has_socket_profile(const Host& host) {
  const auto config = configuration_of(host);
  return config && std::ranges::count(config->profiles, Delivers::socket, &Profile::delivery) > 0;
}

// The same; Debian's nginx is run by the proxy, and its own configuration is left alone.
Result<Plan> plan_proxy(const Host& host, Default) {
  if (!has_socket_profile(host))
    return Error{ErrorKind::usage,
                 fmt::format("{}: no profile has \"delivery\": \"socket\"", host.tree.shown(host.config)),
                 "add it to a profile there"};
  if (host.tree.find_program("nginx").empty())
    return Error{ErrorKind::failed, "nginx is not installed", "apt-get install nginx-light"};
  if (!has_gvisor(host)) return Plan();
  return Plan{.notes = {"gVisor's containers get no socket, because nothing can be mounted into them: give "
                        "them a profile with \"delivery\": \"token\""}};
}

Result<Plan> plan_nothing(const Host&) {
  return Plan();
}

Result<void> check_systemd(const Host& host, std::string_view instead) {
  if (!host.tree.is_host() || has_systemd(host)) return {};
  return Error{ErrorKind::failed,
               host.scope == Scope::system ? "systemd is not running" : "this user's systemd is not running",
               std::string(instead)};
}

struct Engine {
  std::string_view name;
  std::vector<std::string_view> programs;  // the engine is installed if one of these is
  Scope smallest;                          // whether a user can set it up without root
  Result<Plan> (*plan)(const Host&, Default);
  // nullptr: the opposite of `plan`.
  Result<Plan> (*removal)(const Host&) = nullptr;
  // nullptr: the engine has no such check.
  Result<void> (*check)(const Host&, const std::optional<std::string>& text) = nullptr;
};

const Engine engines[] = {
    {engine_name::podman, {"podman"}, Scope::user, plan_podman},
    {engine_name::crio, {"crio"}, Scope::system, plan_crio},
    {engine_name::docker, {"dockerd"}, Scope::user, plan_docker, plan_docker_removal, check_docker},
    {engine_name::containerd,
     {"containerd"},
     Scope::system,
     plan_containerd,
     plan_containerd_removal,
     check_containerd},
    {engine_name::cdi, {"dockerd", "podman", "crio", "containerd"}, Scope::system, plan_cdi},
    {engine_name::systemd, {"systemctl"}, Scope::user, plan_systemd},
    {engine_name::proxy, {"nginx"}, Scope::user, plan_proxy, plan_nothing},
};

Result<const Engine*> find_engine(const Host& host, std::string_view name) {
  for (const Engine& engine : engines) {
    if (engine.name != name) continue;
    if (host.scope == Scope::system || engine.smallest == Scope::user) return &engine;
    return Error{ErrorKind::usage, fmt::format("{}: only root can set it up, for the whole machine", name),
                 "sudo $0"};
  }
  return Error{ErrorKind::usage, fmt::format("unknown engine '{}'", name),
               fmt::format("one of {}", fmt::join(engine_name::all, ", "))};
}

bool is_present(const Host& host, const Engine& engine) {
  if (engine.plan == plan_docker && host.scope == Scope::user) return has_rootless_docker(host);
  return std::ranges::any_of(
      engine.programs, [&](std::string_view program) { return !host.tree.find_program(program).empty(); });
}

bool knows(const Ledger& ledger, std::string_view engine) {
  return std::ranges::any_of(
      ledger.files, [&](const LedgerFile& file) { return file.engines.contains(std::string(engine)); });
}

// What a person should know besides what the planner says.
void add_notes(const Host& host, const Engine& engine, Plan& plan) {
  if (!plan.changes.empty() && !is_present(host, engine)) {
    plan.notes.push_back(
        fmt::format("{}: {} not found; registered anyway", engine.name, fmt::join(engine.programs, ", ")));
  }
  // What we name in engines' files must exist, because some engines silently ignore a missing hook.
  for (const std::string& program : {host.hook(), host.wrapper()}) {
    const bool is_named = std::ranges::any_of(plan.changes, [&](const Change& change) {
      return change.after && change.after->find(program) != std::string::npos;
    });
    if (is_named && !host.tree.exists(program)) {
      plan.notes.push_back(
          fmt::format("{}: does not exist: install oci-oauth there too", host.tree.shown(program)));
    }
  }
  if (host.scope == Scope::user && has_systemd(host) && !lingers(::geteuid())) {
    plan.notes.push_back(fmt::format(
        "after you log out, logins are not refreshed, and running containers lose their token, unless you "
        "run '{}'",
        linger_command));
  }
  // What an uninstall of Docker left behind is not forgotten.
  if (engine.name == engine_name::docker || !knows(host.ledger, engine_name::docker)) return;
  const auto docker = plan_docker(host, Default::as_is);
  if (docker && !docker->withdrawn.empty()) plan.notes.push_back("docker: " + docker->withdrawn);
}

// The units that are not enabled; one that was not enabled before is disabled with the last engine.
Result<void> want_units(const Host& host, Plan& plan) {
  if (!has_systemd(host)) return {};
  plan.units = TRY(disabled_units(host, plan.engine));
  for (const std::string& name : installable_units(host, plan.engine)) {
    const bool is_disabled = std::ranges::find(plan.units, name) != plan.units.end();
    if (is_disabled || plan.ledger.units.contains(name)) plan.ledger.units[name].insert(plan.engine);
  }
  return {};
}

// The engine's own check of its files; only if it runs on this machine. A file that the engine already
// refuses, or refuses as a file in memory, is not made worse.
Result<void> check(const Host& host, const Engine& engine, const std::vector<Change>& changes) {
  if (engine.check == nullptr || !host.tree.is_host()) return {};
  for (const Change& change : changes) {
    if (change.path == host.config || !change.after) continue;
    auto verdict = engine.check(host, change.after);
    if (!verdict && engine.check(host, change.before))
      return std::move(verdict).error().in(fmt::format("{}: would be rejected", change.path));
  }
  return {};
}

// Records the changes, keeps those that change something, and has the engine check them.
Result<void> settle(const Host& host, const Engine& engine, Plan& plan) {
  for (const Change& change : plan.changes) {
    if (change.is_theirs()) {
      plan.notes.push_back(change.shown + ": has been changed since it was written, and is kept");
    } else if (change.is_edited && plan.is_removal) {
      plan.notes.push_back(change.shown +
                           ": oci-oauth's own entries are removed, with what was changed in them");
    }
    if (change.is_theirs() && !plan.is_removal) {
      plan.ledger.find(change.path)->engines.insert(plan.engine);
    } else {
      record(plan.ledger, plan.engine, change);
    }
  }
  std::erase_if(plan.changes, [](const Change& change) { return !change.is_needed(); });
  return check(host, engine, plan.changes);
}

EngineState inspect(const Host& host, const Engine& engine) {
  const std::string name(engine.name), install = "oci-oauth install " + name;
  if (!is_present(host, engine)) return {name};
  const auto plan = engine.plan(host, Default::as_is);
  if (!plan) {
    const bool is_known = knows(host.ledger, name);
    const auto& [kind, message, hint] = plan.error();
    return {name, is_known ? EngineState::broken : EngineState::unregistered, "",
            (is_known ? "may not start: " : "is not registered: ") + message, hint.empty() ? install : hint};
  }
  const auto& changes = plan->changes;
  const auto todo = std::ranges::find_if(changes, &Change::is_needed);
  const std::string file = changes.empty() ? "" : changes.front().shown;
  if (!plan->withdrawn.empty()) return {name, EngineState::withdrawn, file, plan->withdrawn, install};
  if (todo != changes.end()) {
    const char* lacks = todo->before ? "does not name this installation" : "does not exist";
    return {name, EngineState::unregistered, todo->shown,
            fmt::format("is not registered: {} {}", todo->shown, lacks), install};
  }
  if (!plan->unread.empty()) return {name, EngineState::unread, file, plan->unread, unread_remedy};
  // No file: a person's own lines are the registration.
  return {name, EngineState::registered,
          file, file.empty() ? "is registered" : "is registered with " + file,
          "",   reload_command(host, name)};
}

// Of systemd, or of the proxy if a profile needs it.
EngineState inspect_units(const Host& host, std::string_view engine) {
  const std::string name(engine);
  const bool is_needed = engine != engine_name::proxy || has_socket_profile(host);
  if (!has_systemd(host) || !is_needed) return {name};
  const auto disabled = disabled_units(host, engine);
  if (disabled && disabled->empty()) return {name, EngineState::registered, "", "are enabled"};
  return {
      name, EngineState::unregistered, "",
      disabled ? fmt::format("are not enabled: {}", fmt::join(*disabled, ", ")) : disabled.error().message,
      "oci-oauth install " + name};
}

// What uninstall does to the files that the engine reads, as far as they themselves tell.
Result<Plan> plan_opposite(const Host& host, const Engine& engine) {
  if (engine.removal != nullptr) return engine.removal(host);
  Plan plan = {.changes = TRY(engine.plan(host, Default::as_is)).changes};
  for (Change& change : plan.changes) change.after = change.without;
  return plan;
}

// The changes that undo `engine`: to the files that are recorded for no other, and to those whose record was
// lost.
Result<void> undo_files(const Host& host, const std::vector<Change>& found, Plan& plan) {
  for (const LedgerFile& entry : host.ledger.files) {
    LedgerFile& left = *plan.ledger.find(entry.path);
    if (left.engines.erase(plan.engine) == 0 || !left.engines.empty()) continue;
    const auto known = std::ranges::find(found, entry.path, &Change::path);
    plan.changes.push_back(known != found.end() ? *known
                                                : TRY(plan_without_ours(host, entry.path, entry.part)));
  }
  std::ranges::copy_if(found, std::back_inserter(plan.changes),
                       [&](const Change& change) { return host.ledger.find(change.path) == nullptr; });
  return {};
}

// If the record was lost: uninstall would remove something.
bool is_found(const Host& host, const Engine& engine) {
  if (host.scope == Scope::user && engine.smallest != Scope::user) return false;
  const auto plan = plan_opposite(host, engine);
  return plan && std::ranges::any_of(plan->changes, [&](const Change& change) {
           return change.is_needed() && host.ledger.find(change.path) == nullptr;
         });
}

}  // namespace

bool has_gvisor(const Host& host) {
  return !host.tree.find_program("runsc").empty();
}

std::vector<EngineState> inspect_engines(const std::string& root) {
  std::vector<EngineState> states;
  auto host = open_host(root);
  if (!host) return {{"", EngineState::broken, "", host.error().message, host.error().hint}};
  if (auto ledger = load_ledger(*host)) host->ledger = std::move(*ledger);
  for (const Engine& engine : engines) {
    if (engine.name == engine_name::systemd || engine.name == engine_name::proxy) {
      states.push_back(inspect_units(*host, engine.name));
    } else if (host->scope == Scope::system || engine.smallest == Scope::user) {
      states.push_back(inspect(*host, engine));
    }
  }
  return states;
}

Result<Plan> plan_installation(Host& host, const std::string& name, const LoginChoice& login,
                               Default as_default) {
  const auto engine = TRY(find_engine(host, name));
  if (engine->plan == plan_systemd)
    TRY(check_systemd(host, "every 30 minutes, for example from cron(8): oci-oauth refresh"));
  if (engine->plan == plan_proxy)
    TRY(check_systemd(host, shell_word(host.prefix + "/libexec/oci-oauth/oci-oauth-proxy")));
  host.ledger = TRY(load_ledger(host));
  auto [configuration, notes] = TRY(plan_configuration(host, login));
  host.planned_configuration = *configuration.after;
  auto plan = TRY(engine->plan(host, as_default));
  plan.engine = name;
  plan.ledger = host.ledger;
  plan.notes.insert(plan.notes.begin(), notes.begin(), notes.end());
  add_notes(host, *engine, plan);
  if (!plan.real_runtime.empty()) TRY(set_runtime(configuration, plan.real_runtime));
  if (configuration.part == OwnedPart::whole || !plan.real_runtime.empty())
    plan.changes.insert(plan.changes.begin(), std::move(configuration));
  TRY(settle(host, *engine, plan));
  TRY(want_units(host, plan));
  return plan;
}

Result<Plan> plan_removal(Host& host, const std::string& name) {
  const auto engine = TRY(find_engine(host, name));
  host.ledger = TRY(load_ledger(host));
  auto found = plan_opposite(host, *engine);
  if (!found && (engine->removal != nullptr || !knows(host.ledger, name))) return found;
  if (!found) found = Plan();
  Plan plan = {.notes = std::move(found->notes), .engine = name, .is_removal = true, .ledger = host.ledger};
  TRY(undo_files(host, found->changes, plan));
  TRY(settle(host, *engine, plan));
  for (auto& [unit, users] : plan.ledger.units) {
    if (users.erase(name) > 0 && users.empty()) plan.units.push_back(unit);
  }
  for (const std::string& unit : plan.units) plan.ledger.units.erase(unit);
  return plan;
}

Result<std::vector<std::string>> registered_engines(Host& host) {
  host.ledger = TRY(load_ledger(host));
  std::set<std::string> names;
  for (const LedgerFile& file : host.ledger.files) names.insert(file.engines.begin(), file.engines.end());
  for (const auto& [unit, users] : host.ledger.units) names.insert(users.begin(), users.end());
  for (const Engine& engine : engines) {
    if (!names.contains(std::string(engine.name)) && is_found(host, engine)) names.emplace(engine.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

std::string reload_command(const Host& host, std::string_view engine) {
  const bool is_docker = engine == engine_name::docker;
  if (!is_docker && engine != engine_name::containerd) return "";
  if (has_systemd(host)) {
    const char* act = is_docker ? "reload" : "restart";
    return fmt::format("{}", fmt::join(systemctl_command(host.scope, {act, std::string(engine)}), " "));
  }
  if (!is_docker) return "restart containerd";
  const auto pid = find_docker(host).pid;  // one that does not run reads its file when it starts
  return pid ? fmt::format("kill -HUP {}", *pid) : "";
}

}  // namespace oci_oauth
