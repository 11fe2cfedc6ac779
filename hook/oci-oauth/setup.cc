// SPDX-License-Identifier: Apache-2.0
// oci-oauth setup: for a person who does not want to read. Plans what install does for each engine, asks
// once, installs, refreshes, and starts a throw-away container that reads the token.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "base/wait.h"
#include "config/provider.h"
#include "doctor/checks.h"
#include "install.h"
#include "program/hint.h"
#include "report/text_table.h"
#include "setup/docker_daemon.h"
#include "setup/systemd.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "setup";
constexpr size_t shown_letters = 20;
constexpr size_t token_limit = 64 * KiB;

struct SetupPlan {
  Host host;
  std::vector<Plan> engines;
  Config config;  // as it will be
};

bool is_container(const Tree& tree) {
  return tree.exists("/run/.containerenv") || tree.exists("/.dockerenv") ||
         tree.exists("/run/systemd/container");
}

// Podman and Docker start containers from a command line. The others are set up if they are all there is.
Result<std::vector<std::string>> find_engines(const Host& host) {
  std::vector<std::string> engines, others;
  for (const auto& [engine, state, file, message, remedy, reload] : inspect_engines("/")) {
    if (state == EngineState::absent) continue;
    if (engine == engine_name::podman || engine == engine_name::docker) engines.push_back(engine);
    if (engine == engine_name::crio || engine == engine_name::containerd) others.push_back(engine);
  }
  if (engines.empty()) engines = std::move(others);
  if (!engines.empty()) return engines;
  if (is_container(host.tree))
    return Error{ErrorKind::failed, "setup: this is a container, and no container engine is installed in it",
                 "on its host: sudo $0"};
  const bool is_root = host.scope == Scope::system;
  return Error{ErrorKind::failed,
               is_root ? "setup: no container engine is installed"
                       : "setup: no engine is installed that can be set up for one user",
               is_root ? "apt-get install podman" : "sudo $0"};
}

// An engine whose files are in the way does not keep the others from being set up.
Result<SetupPlan> make_plan(const Log& log, Host host, const LoginChoice& login) {
  std::vector<Plan> engines;
  std::optional<Error> failure;
  for (const std::string& name : TRY(find_engines(host))) {
    auto plan = plan_installation(host, name, login);
    if (plan) {
      engines.push_back(std::move(*plan));
      continue;
    }
    // What is wrong with the login or the configuration is so for each engine.
    if (failure && failure->message.ends_with(plan.error().message)) continue;
    if (failure) log.write(Priority::warning, *failure);
    failure = nothing_changed(verb, std::move(plan).error().in(name));
    if (failure->kind == ErrorKind::action_required) break;
  }
  if (failure && (engines.empty() || failure->kind == ErrorKind::action_required)) return *std::move(failure);
  if (failure) log.write(Priority::warning, *failure);
  const bool is_new = host.planned_configuration != host.tree.text_of(host.config);
  auto config = TRY(is_new ? configuration_of(host) : load_config(host.config));
  return SetupPlan{std::move(host), std::move(engines), std::move(config)};
}

std::string plan_text(const SetupPlan& plan) {
  const bool is_system = plan.host.scope == Scope::system;
  std::string text = is_system ? "The plan, for the whole machine:\n"
                               : fmt::format("The plan, for this user alone (for the whole machine: {}):\n",
                                             as_typed("sudo $0"));
  std::vector<Row> rows;
  for (const Profile& profile : plan.config.profiles)
    rows.push_back({{"login"}, {fmt::format("{}, {}", profile.name, profile.credentials)}});
  for (const Plan& engine : plan.engines)
    rows.push_back({{"engine"}, {engine.engine + (engine.is_done() ? ", is already registered" : "")}});
  std::set<std::pair<std::string, std::string>> parts;  // each once, though several engines need it
  for (const Plan& engine : plan.engines) {
    for (const Change& change : engine.changes) parts.emplace("file", change.path);
    for (const std::string& unit : engine.units) parts.emplace("unit", unit);
  }
  for (const auto& [kind, name] : parts) rows.push_back({{kind}, {name}});
  if (!has_systemd(plan.host))
    rows.push_back(
        {{"units"},
         {"none, because systemd is not running; every 30 minutes: " + as_typed("oci-oauth refresh")}});
  rows.push_back({{"then"}, {"the login is refreshed, and a throw-away container reads the token"}});
  rows.push_back({{"undo"}, {as_typed("oci-oauth uninstall --all")}});
  text += aligned(rows, Colour::no);
  if (is_container(plan.host.tree))
    text += "This is a container: only containers that are started in it will get a token.\n";
  return text;
}

// Result: whether the person agrees; Ctrl-C is a no.
Result<bool> ask() {
  if (::isatty(STDIN_FILENO) != 1)
    return Error{ErrorKind::usage, "setup: there is no terminal to ask on", "$0 --yes"};
  const SignalQueue signals{SIGINT};
  TRY(write_all(STDERR_FILENO, "Go on? [y/N] ", "stderr"));
  pollfd any[] = {readable(STDIN_FILENO), readable(signals.fd())};
  wait_readable(any, SteadyTime::max());
  char answer[256];
  const ssize_t size = signals.take() ? 0 : ::read(STDIN_FILENO, answer, sizeof answer);
  if (size <= 0) TRY(write_all(STDERR_FILENO, "\n", "stderr"));
  return size > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

// dockerd tells nobody when it has read its file.
bool reload_and_wait(const Host& host, Progress& progress) {
  constexpr Milliseconds bound = std::chrono::seconds(20), pause = std::chrono::milliseconds(200);
  progress.step("making dockerd read its file again");
  const auto is_ready = [] {
    const auto answer = docker_has_taken_up();
    return answer && *answer;
  };
  if (!is_ready() && !reload_docker(host)) return false;
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (!is_ready()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

// Planned again one by one, because each engine's changes are the next one's starting point.
Result<ExitCode> install_engines(const Log& log, SetupPlan& plan, const LoginChoice& login,
                                 Progress& progress) {
  for (const Plan& planned : plan.engines) {
    auto current = plan_installation(plan.host, planned.engine, login);
    if (!current) return std::move(current).error().in(planned.engine).in(verb);
    const bool is_docker = planned.engine == engine_name::docker;
    const ExitCode code =
        TRY(carry_out(log, plan.host, *current, is_docker ? Reload::by_caller : Reload::by_person, progress));
    if (code != ExitCode::fine) return code;
    if (is_docker && !reload_and_wait(plan.host, progress)) {
      progress.clear();
      const std::string reload = reload_command(plan.host, planned.engine);
      log.write(Priority::warning, "setup: docker: the daemon is not running, or has not read its file again",
                has_systemd(plan.host) ? "systemctl reload-or-restart docker"
                : reload.empty()       ? start_docker_command()
                                       : reload);
    }
  }
  progress.clear();
  return ExitCode::fine;
}

std::string first_letters(const Config& config, const Profile& profile) {
  const auto text = read_file({.path = fmt::format("{}/share/{}/token", config.runtime_dir, profile.name)},
                              token_limit, Links::refused);
  const Secret token = text ? Secret(std::string_view(*text)) : Secret();
  // A short token shows no more than a third of itself.
  return std::string(token.reveal().substr(0, std::min(shown_letters, token.reveal().size() / 3)));
}

std::string what_is_next(const SetupPlan& plan, const Config& config) {
  std::string text;
  for (const Profile& profile : config.profiles) {
    text += fmt::format("token of '{}': {}...\n", profile.name, first_letters(config, profile));
    for (const Plan& engine : plan.engines) {
      const bool is_docker = engine.engine == engine_name::docker;
      if (!is_docker && engine.engine != engine_name::podman) continue;
      text += fmt::format(
          "next: {}\n",
          as_typed(fmt::format("{}{} run --rm {}--tmpfs {} IMAGE COMMAND",
                               plan.host.scope == Scope::system ? "sudo " : "", engine.engine,
                               is_docker ? "--runtime oci-oauth " : "", shell_word(profile.target))));
    }
  }
  return text + fmt::format("next: {}\n", as_typed("oci-oauth status"));
}

Result<ExitCode> prove(const Log& log, const SetupPlan& plan, Progress& progress) {
  const auto config = TRY(open_configuration(""));
  const auto programs = TRY(InstalledPrograms::find());
  const CheckContext context = {config, provider_directories(programs.prefix),
                                programs.helper("oci-oauth-probe"), view_of_this_host(config.runtime_dir),
                                [&](std::string_view what) { progress.step(what); }};
  const Findings findings = try_container(context);
  progress.clear();
  print(log, findings_text(findings, display_of(STDOUT_FILENO)));
  if (worst(findings) == Verdict::problem) return ExitCode::failed;
  return print(log, what_is_next(plan, config));
}

}  // namespace

Result<ExitCode> setup(const Invocation& invocation) {
  const Log& log = invocation.log;
  const Arguments& arguments = invocation.arguments;
  TRY(refuse_config(verb, invocation));
  auto host = open_host("/");
  if (!host) return nothing_changed(verb, host.error());
  const LoginChoice login = {arguments.value("--credentials"), arguments.value("--provider")};
  auto plan = TRY(make_plan(log, *std::move(host), login));
  const ExitCode shown = print(log, plan_text(plan));
  if (shown != ExitCode::fine || arguments.has("--dry-run")) return shown;
  const bool is_asked = !std::ranges::all_of(plan.engines, &Plan::is_done) && !arguments.has("--yes");
  if (is_asked && !TRY(ask())) return Error{ErrorKind::failed, "setup: nothing was changed", "$0 --dry-run"};
  Progress progress = progress_of(invocation);
  if (const ExitCode code = TRY(install_engines(log, plan, login, progress)); code != ExitCode::fine)
    return code;
  const auto refreshed = refresh({log, "refresh", "", {}});
  if (const ExitCode code = refreshed ? *refreshed : report(log, refreshed.error()); code != ExitCode::fine) {
    log.write(Priority::notice, "setup: the engines are registered, but no container was tried", "$0");
    return code;
  }
  return prove(log, plan, progress);
}

}  // namespace oci_oauth
