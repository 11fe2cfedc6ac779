// SPDX-License-Identifier: Apache-2.0
#include "setup/engine.h"

#include <signal.h>
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
Result<Plan> plan_systemd(const Host& host, const Ledger&, Default) {
  Plan plan;
  const auto units = installable_units(host);
  if (host.tree.is_host() || units.empty()) return plan;
  plan.next.push_back(
      fmt::format("systemctl --root {} enable {}", shell_word(host.tree.root()), fmt::join(units, " ")));
  return plan;
}

std::vector<std::string> socket_profiles(const Host& host) {
  std::vector<std::string> names;
  const auto config = configuration_of(host);
  if (!config) return names;
  for (const Profile& profile : config->profiles) {
    if (profile.delivery == Delivers::socket) names.push_back(profile.name);
  }
  return names;
}

// The same; Debian's nginx is run by the proxy, and its own configuration is left alone.
Result<Plan> plan_proxy(const Host& host, const Ledger&, Default) {
  if (socket_profiles(host).empty())
    return Error{ErrorKind::usage,
                 fmt::format("{}: no profile has \"delivery\": \"socket\"", host.tree.shown(host.config)),
                 "add it to a profile there"};
  if (host.tree.find_program("nginx").empty())
    return Error{ErrorKind::failed, "nginx is not installed", "apt-get install nginx-light"};
  Plan plan;
  if (has_gvisor(host))
    plan.notes.emplace_back(
        "gVisor's containers get no socket, because nothing can be mounted into them: give them a profile "
        "with \"delivery\": \"token\"");
  return plan;
}

Result<Plan> plan_proxy_removal(const Host&, const Ledger&) {
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
  std::vector<std::string_view> programs;  // the engine is installed if one of these is; none: it always is
  Scope smallest;                          // whether a user can set it up without root
  Result<Plan> (*plan)(const Host&, const Ledger&, Default);
  // nullptr: the opposite of `plan`.
  Result<Plan> (*removal)(const Host&, const Ledger&) = nullptr;
  // nullptr: the engine has no such check.
  Result<void> (*check)(const Host&, const Registration&) = nullptr;
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
    {engine_name::proxy, {"nginx"}, Scope::user, plan_proxy, plan_proxy_removal},
};

Result<const Engine*> find_engine(const Host& host, std::string_view verb, std::string_view name) {
  for (const Engine& engine : engines) {
    if (engine.name != name) continue;
    if (host.scope == Scope::system || engine.smallest == Scope::user) return &engine;
    return Error{ErrorKind::usage, fmt::format("{}: only root can set it up, for the whole machine", name),
                 fmt::format("sudo oci-oauth {} {}", verb, name)};
  }
  return Error{ErrorKind::usage, fmt::format("unknown engine '{}'", name),
               fmt::format("one of {}", fmt::join(engine_name::all, ", "))};
}

bool is_present(const Host& host, const Engine& engine) {
  if (engine.plan == plan_docker && host.scope == Scope::user) return has_rootless_docker(host);
  return std::any_of(engine.programs.begin(), engine.programs.end(),
                     [&](std::string_view program) { return !host.tree.find_program(program).empty(); });
}

bool knows(const Ledger& ledger, std::string_view engine) {
  return std::any_of(ledger.files.begin(), ledger.files.end(),
                     [&](const LedgerFile& file) { return file.engines.count(std::string(engine)) > 0; });
}

void check_present(const Host& host, const Engine& engine, Plan& plan) {
  if (plan.files.empty() || is_present(host, engine)) return;
  plan.notes.push_back(
      fmt::format("{}: {} not found; registered anyway", engine.name, fmt::join(engine.programs, ", ")));
}

bool names(const WantedFile& file, const std::string& program) {
  const auto has = [&](const std::string& text) { return text.find(program) != std::string::npos; };
  return has(file.text) || std::any_of(file.members.begin(), file.members.end(),
                                       [&](const JsonSetting& setting) { return has(setting.value); });
}

// What we name in engines' files must exist, because some engines silently ignore a missing hook.
void check_programs(const Host& host, Plan& plan) {
  for (const std::string& program : {host.hook(), host.wrapper()}) {
    const bool named = std::any_of(plan.files.begin(), plan.files.end(),
                                   [&](const WantedFile& file) { return names(file, program); });
    if (named && !host.tree.exists(program)) {
      plan.notes.push_back(fmt::format("{}: does not exist: oci-oauth has to be installed there too",
                                       host.tree.shown(program)));
    }
  }
}

Result<void> want_units(const Host& host, const std::string& engine, Installation& installation) {
  if (!has_systemd(host)) return {};
  auto units = TRY(disabled_units(host, engine));
  installation.units = std::move(units);
  std::vector<LedgerUnit>& known = installation.registration.ledger.units;
  for (LedgerUnit& unit : known) {
    if (engine == engine_name::proxy || !is_of_proxy(unit.name)) unit.engines.insert(engine);
  }
  for (const std::string& name : installation.units) {
    const bool is_known =
        std::any_of(known.begin(), known.end(), [&](const LedgerUnit& unit) { return unit.name == name; });
    if (!is_known) known.push_back({name, {engine}});
  }
  return {};
}

// What an uninstall of Docker left behind is not forgotten.
void check_withdrawn(const Host& host, const Ledger& ledger, const std::string& engine, Plan& plan) {
  if (engine == engine_name::docker || !knows(ledger, engine_name::docker)) return;
  const auto docker = plan_docker(host, ledger, Default::as_is);
  if (docker && !docker->withdrawn.empty()) plan.notes.push_back("docker: " + docker->withdrawn);
}

void check_linger(const Host& host, Plan& plan) {
  if (host.scope == Scope::system || !has_systemd(host) || lingers(::geteuid())) return;
  plan.notes.push_back(fmt::format(
      "after you log out, logins are not refreshed, and running containers lose their token, unless you "
      "run '{}'",
      linger_command));
}

Result<Installation> install_files(const Host& host, Plan plan, const Ledger& ledger,
                                   const ConfigurationPlan& profiles, const std::string& engine) {
  auto configuration = TRY(wanted_configuration(host, profiles, plan.real_runtime));
  if (configuration) plan.files.insert(plan.files.begin(), std::move(*configuration));
  auto registration = TRY(plan_install(host.tree, ledger, engine, plan.files, plan.unwanted));
  registration.notes.insert(registration.notes.end(), plan.notes.begin(), plan.notes.end());
  return Installation{std::move(registration), {}, std::move(plan.unread), std::move(plan.next)};
}

std::string install_command(const Host& host, std::string_view engine) {
  return fmt::format("{}oci-oauth install {}", host.scope == Scope::system ? "sudo " : "", engine);
}

// The engine's own check; only if it runs on this machine.
Result<void> check(const Host& host, const Engine& engine, const Registration& registration) {
  return engine.check == nullptr || !host.tree.is_host() ? Result<void>() : engine.check(host, registration);
}

EngineState inspect(const Host& host, const Ledger& ledger, const Engine& engine) {
  EngineState state = {std::string(engine.name), EngineState::absent, "", "", ""};
  if (!is_present(host, engine)) return state;
  state.state = EngineState::unregistered;
  state.remedy = install_command(host, engine.name);
  const bool is_known = knows(ledger, engine.name);
  const auto refused = [&](const Error& error) {
    state.message = (is_known ? "may not start: " : "is not registered: ") + error.message;
    if (is_known) state.state = EngineState::broken;
    if (!error.hint.empty()) state.remedy = error.hint;
    return state;
  };
  auto plan = engine.plan(host, ledger, Default::as_is);
  if (!plan) return refused(plan.error());
  const auto todo = plan_install(host.tree, ledger, state.engine, plan->files, plan->unwanted);
  if (!todo) return refused(todo.error());
  if (!plan->files.empty()) state.file = host.tree.shown(plan->files.front().path);
  if (!plan->withdrawn.empty()) {
    state = {state.engine, EngineState::withdrawn, state.file, plan->withdrawn, state.remedy};
  } else if (!todo->changes.empty()) {
    const Change& first = todo->changes.front();
    state.file = host.tree.shown(first.path);
    state.message = fmt::format("is not registered: {} {}", state.file,
                                first.before ? "does not name this installation" : "does not exist");
  } else if (!plan->unread.empty()) {
    state = {state.engine, EngineState::unread, state.file, plan->unread, unread_remedy};
  } else {
    state = {state.engine, EngineState::registered, state.file, "is registered with " + state.file, ""};
  }
  return state;
}

// Of systemd or, for who has a profile that needs it, the proxy.
EngineState inspect_units(const Host& host, std::string_view engine) {
  const std::string name(engine);
  const bool is_needed = engine != engine_name::proxy || !socket_profiles(host).empty();
  if (!has_systemd(host) || !is_needed) return {name, EngineState::absent, "", "", ""};
  const auto disabled = disabled_units(host, engine);
  if (disabled && disabled->empty()) return {name, EngineState::registered, "", "are enabled", ""};
  return {
      name, EngineState::unregistered, "",
      disabled ? fmt::format("are not enabled: {}", fmt::join(*disabled, ", ")) : disabled.error().message,
      install_command(host, engine)};
}

}  // namespace

bool has_gvisor(const Host& host) {
  return !host.tree.find_program("runsc").empty();
}

std::vector<EngineState> inspect_engines(const std::string& root) {
  std::vector<EngineState> states;
  const auto host = open_host(root);
  if (!host) return states;
  const auto ledger = load_ledger(host->tree, host->ledger);
  for (const Engine& engine : engines) {
    if (engine.name == engine_name::systemd || engine.name == engine_name::proxy) {
      states.push_back(inspect_units(*host, engine.name));
    } else if (host->scope == Scope::system || engine.smallest == Scope::user) {
      states.push_back(inspect(*host, ledger ? *ledger : Ledger(), engine));
    }
  }
  return states;
}

Result<Installation> plan_installation(Host& host, const InstallRequest& request) {
  const auto engine = TRY(find_engine(host, "install", request.engine));
  if (engine->plan == plan_systemd)
    TRY(check_systemd(host, "run 'oci-oauth refresh' every few minutes, for example from cron(8)"));
  if (engine->plan == plan_proxy)
    TRY(check_systemd(host, shell_word(host.prefix + "/libexec/oci-oauth/oci-oauth-proxy")));
  auto ledger = TRY(load_ledger(host.tree, host.ledger));
  const auto profiles = TRY(plan_configuration(host, ledger, request.login));
  host.planned_configuration = profiles.text;
  auto plan = TRY(engine->plan(host, ledger, request.as_default));
  plan.notes.insert(plan.notes.begin(), profiles.notes.begin(), profiles.notes.end());
  check_present(host, *engine, plan);
  check_programs(host, plan);
  check_linger(host, plan);
  check_withdrawn(host, ledger, request.engine, plan);
  auto installation = TRY(install_files(host, std::move(plan), ledger, profiles, request.engine));
  TRY(check(host, *engine, installation.registration));
  TRY(want_units(host, request.engine, installation));
  return installation;
}

Result<Installation> plan_removal(const Host& host, const std::string& engine) {
  const auto found = TRY(find_engine(host, "uninstall", engine));
  auto ledger = TRY(load_ledger(host.tree, host.ledger));
  auto plan =
      found->removal != nullptr ? found->removal(host, ledger) : found->plan(host, ledger, Default::as_is);
  if (!plan && (found->removal != nullptr || !knows(ledger, engine))) return std::move(plan).error();
  auto registration =
      TRY(plan_uninstall(host.tree, ledger, engine, plan ? plan->files : std::vector<WantedFile>()));
  TRY(check(host, *found, registration));
  if (plan && found->removal != nullptr)
    registration.notes.insert(registration.notes.end(), plan->notes.begin(), plan->notes.end());
  Installation removal = {std::move(registration), {}, "", {}};
  std::erase_if(removal.registration.ledger.units, [&](LedgerUnit& unit) {
    const bool last = unit.engines.erase(engine) > 0 && unit.engines.empty();
    if (last) removal.units.push_back(unit.name);
    return last;
  });
  return removal;
}

namespace {

// If the record was lost: uninstall would remove something.
bool is_found(const Host& host, const Ledger& ledger, const Engine& engine) {
  if (host.scope == Scope::user && engine.smallest != Scope::user) return false;
  const auto plan =
      engine.removal != nullptr ? engine.removal(host, ledger) : engine.plan(host, ledger, Default::as_is);
  if (!plan) return false;
  const auto removal = plan_uninstall(host.tree, ledger, std::string(engine.name), plan->files);
  return removal && !removal->changes.empty();
}

}  // namespace

Result<std::vector<std::string>> registered_engines(const Host& host) {
  const auto ledger = TRY(load_ledger(host.tree, host.ledger));
  std::set<std::string> names;
  for (const LedgerFile& file : ledger.files) names.insert(file.engines.begin(), file.engines.end());
  for (const LedgerUnit& unit : ledger.units) names.insert(unit.engines.begin(), unit.engines.end());
  for (const Engine& engine : engines) {
    const std::string name(engine.name);
    if (names.count(name) == 0 && is_found(host, ledger, engine)) names.insert(name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

std::string reload_command(Scope scope, std::string_view engine) {
  if (engine == engine_name::docker)
    return scope == Scope::system ? "systemctl reload docker" : "systemctl --user reload docker";
  return engine == engine_name::containerd ? "systemctl restart containerd" : "";
}

std::string reload_command(const Host& host, std::string_view engine) {
  return host.tree.is_host() ? reload_command(host.scope, engine) : "";
}

bool reload_docker(const Host& host) {
  const auto pid = find_docker(host).pid;
  return pid && ::kill(*pid, SIGHUP) == 0;
}

Result<bool> docker_has_taken_up() {
  const auto runtimes = TRY(ask_docker(""));
  return runtimes.names.count("oci-oauth") > 0;
}

}  // namespace oci_oauth
