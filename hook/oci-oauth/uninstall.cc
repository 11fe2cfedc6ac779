// SPDX-License-Identifier: Apache-2.0
// oci-oauth uninstall: removes what install added, and restores every other byte.

#include "base/fmt.h"
#include "install.h"
#include "program/hint.h"
#include "setup/docker_daemon.h"
#include "setup/systemd.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "uninstall";

Result<void> check_arguments(const Invocation& invocation) {
  TRY(refuse_config(verb, invocation));
  const size_t named = invocation.arguments.operands.size();
  const bool all = invocation.arguments.has("--all");
  if (named != (all ? 0 : 1))
    return usage_error(verb,
                       fmt::format("needs one engine, or --all: {}", fmt::join(engine_name::all, ", ")));
  if (invocation.arguments.has("--before-removal") && !all)
    return usage_error(verb, "--before-removal needs --all");
  return {};
}

// Units first, so that they do not restart what is being removed. Failure: if a file could not be changed,
// none was, and they are enabled.
Result<void> take_out(const Host& host, const Plan& plan) {
  const bool systemd = has_systemd(host), has_units = systemd && !plan.units.empty();
  if (has_units) TRY(run_systemctl(host, {"disable", "--now"}, plan.units));
  auto done = apply(host, plan.changes, plan.ledger);
  if (!done && has_units) (void)run_systemctl(host, {"enable", "--now"}, plan.units);
  return done && systemd ? run_systemctl(host, {"daemon-reload"}) : std::move(done);
}

// Without the programs, an engine that still has our names in memory could not start any container, and
// nobody could exec in or restart those that were started through the wrapper.
ExitCode check_removal(const Log& log, const Host& host) {
  if (reload_docker(host)) print(log, "reloaded dockerd\n");
  const std::vector<std::string> ids = containers_run_by_wrapper(host);
  if (ids.empty()) return ExitCode::fine;
  return report(
      log, {ErrorKind::failed,
            fmt::format("{}: {} running container{} still need{} oci-oauth-runtime: {}", verb, ids.size(),
                        ids.size() == 1 ? "" : "s", ids.size() == 1 ? "s" : "", fmt::join(ids, ", ")),
            fmt::format("restart them, or delete their pods: docker restart {}", fmt::join(ids, " "))});
}

Result<ExitCode> uninstall_one(const Log& log, Host& host, const std::string& engine,
                               const Arguments& arguments) {
  const auto plan = plan_removal(host, engine);
  if (!plan && arguments.has("--all"))
    return nothing_changed(verb, Error(plan.error()).in(engine), "nothing of " + engine);
  if (!plan) return nothing_changed(verb, plan.error());
  if (arguments.has("--dry-run")) return show(log, *plan);
  tell_notes(log, *plan);
  if (auto done = take_out(host, *plan); !done)
    return std::move(done).error().in(fmt::format("{} {}", verb, engine));
  const std::string act = plan->is_done() || !host.tree.is_host() ? "" : reload_command(host, engine);
  return print(log, list_changes(plan->changes) + list_units("disabled", plan->units) + nothing_to_do(*plan) +
                        (act.empty() ? "" : fmt::format("next: {}\n", as_typed(act))));
}

}  // namespace

Result<ExitCode> uninstall(const Invocation& invocation) {
  const Log& log = invocation.log;
  const Arguments& arguments = invocation.arguments;
  TRY(check_arguments(invocation));
  auto host = open_host(arguments.value("--root").value_or("/"));
  if (!host) return nothing_changed(verb, host.error());
  std::vector<std::string> engines = arguments.operands;
  ExitCode worst = ExitCode::fine;
  if (arguments.has("--all")) {
    auto registered = registered_engines(*host);
    if (!registered) return nothing_changed(verb, registered.error());
    if (registered->empty()) worst = print(log, "no engine is registered\n");
    engines = std::move(*registered);
  }
  for (const std::string& engine : engines) {
    const auto done = uninstall_one(log, *host, engine, arguments);
    const ExitCode code = done ? *done : report(log, done.error());
    if (code != ExitCode::fine) worst = code;
  }
  if (!arguments.has("--before-removal") || arguments.has("--dry-run")) return worst;
  const ExitCode removable = check_removal(log, *host);
  return worst == ExitCode::fine ? removable : worst;
}

}  // namespace oci_oauth
