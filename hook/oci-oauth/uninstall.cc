// SPDX-License-Identifier: Apache-2.0
// oci-oauth uninstall: removes what install added, and restores every other byte.

#include "base/fmt.h"
#include "command.h"
#include "program/hint.h"
#include "setup/change_report.h"
#include "setup/systemd.h"
#include "setup/wrapper_use.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "uninstall";

struct UninstallArguments {
  std::string engine;  // empty: all
  std::string root = "/";
  bool dry_run = false;
  bool before_removal = false;  // the programs are about to be removed
};

Result<UninstallArguments> parse(const Invocation& invocation) {
  UninstallArguments parsed;
  if (!invocation.config.empty())
    return usage_error(verb, "--config is not supported: engines use the default configuration");
  const Arguments& arguments = invocation.arguments;
  parsed.dry_run = arguments.has("--dry-run");
  const bool all = arguments.has("--all");
  parsed.before_removal = arguments.has("--before-removal");
  parsed.root = arguments.value("--root").value_or("/");
  const auto& engines = arguments.operands;
  if (all ? !engines.empty() : engines.size() != 1) {
    return usage_error(verb,
                       fmt::format("needs one engine, or --all: {}", fmt::join(engine_name::all, ", ")));
  }
  if (parsed.before_removal && !all) return usage_error(verb, "--before-removal needs --all");
  if (!all) parsed.engine = engines.front();
  return parsed;
}

// Units first, so that they do not restart what is being removed.
Result<void> take_out(const Host& host, Installation& removal) {
  const bool systemd = has_systemd(host);
  if (systemd && !removal.units.empty()) {
    TRY(disable_units(host, removal.units));
  }
  TRY(apply(host.tree, removal.registration, host.ledger));
  return systemd ? disable_units(host, {}) : Result<void>();
}

// Without the programs, an engine that still has our names in memory could not start any container, and
// nobody could exec in or restart those that were started through the wrapper.
ExitCode check_removal(const Log& log, const Host& host) {
  if (reload_docker(host)) print(log, "reloaded dockerd\n");
  const std::vector<std::string> running = containers_run_by_wrapper(host);
  if (running.empty()) return ExitCode::fine;
  std::vector<std::string> ids;
  ids.reserve(running.size());
  for (const std::string& id : running) ids.push_back(id.substr(0, 12));
  return report(
      log, {ErrorKind::failed,
            fmt::format("{}: {} running container{} still need{} oci-oauth-runtime: {}", verb, ids.size(),
                        ids.size() == 1 ? "" : "s", ids.size() == 1 ? "s" : "", fmt::join(ids, ", ")),
            fmt::format("restart them, or delete their pods: docker restart {}", fmt::join(ids, " "))});
}

ExitCode uninstall_one(const Log& log, const Host& host, const std::string& engine, bool dry_run) {
  auto removal = plan_removal(host, engine);
  if (!removal) return report(log, nothing_changed(std::move(removal).error().in(verb)));
  const std::vector<Change>& changes = removal->registration.changes;
  for (const std::string& note : removal->registration.notes) log.write(Priority::notice, note);
  const std::string nothing = changes.empty() && removal->units.empty()
                                  ? fmt::format("{}: there is nothing to remove\n", engine)
                                  : "";
  if (dry_run) {
    const auto diff = diff_of(host.tree, changes);
    if (!diff) return report(log, diff.error());
    return print(log, *diff + list_units("would disable", removal->units) + nothing);
  }
  if (auto done = take_out(host, *removal); !done) {
    return report(log, std::move(done).error().in(fmt::format("{} {}", verb, engine)));
  }
  print(log, list_changes(host.tree, changes) + list_units("disabled", removal->units) + nothing);
  const std::string act = nothing.empty() ? reload_command(host, engine) : "";
  return act.empty() ? ExitCode::fine : print(log, fmt::format("next: {}\n", as_typed(act)));
}

}  // namespace

ExitCode uninstall(const Invocation& invocation) {
  const auto parsed = parse(invocation);
  if (!parsed) return report(invocation.log, parsed.error());
  const auto host = open_host(parsed->root);
  if (!host) return report(invocation.log, nothing_changed(Error(host.error()).in(verb)));
  std::vector<std::string> engines = {parsed->engine};
  ExitCode worst = ExitCode::fine;
  if (parsed->engine.empty()) {
    auto registered = registered_engines(*host);
    if (!registered) return report(invocation.log, nothing_changed(Error(registered.error()).in(verb)));
    if (registered->empty()) worst = print(invocation.log, "no engine is registered\n");
    engines = std::move(*registered);
  }
  for (const std::string& engine : engines) {
    const ExitCode code = uninstall_one(invocation.log, *host, engine, parsed->dry_run);
    if (code != ExitCode::fine) worst = code;
  }
  if (!parsed->before_removal || parsed->dry_run) return worst;
  const ExitCode removable = check_removal(invocation.log, *host);
  return worst == ExitCode::fine ? removable : worst;
}

}  // namespace oci_oauth
