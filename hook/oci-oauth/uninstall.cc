// SPDX-License-Identifier: Apache-2.0
// oci-oauth uninstall: takes out what install put in, and gives back every other byte.
#include <fmt/format.h>

#include "command.h"
#include "setup/systemd.h"
#include "setup_report.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "uninstall";

struct UninstallArguments {
  std::string engine;  // empty: all
  std::string root = "/";
  bool dry_run = false;
};

Result<UninstallArguments> parse(const Invocation& invocation) {
  UninstallArguments parsed;
  if (!invocation.config.empty())
    return usage_error(verb, "goes without --config: engines name its usual place");
  ArgumentReader reader(verb, invocation.arguments);
  parsed.dry_run = reader.flag("--dry-run");
  const bool all = reader.flag("--all");
  parsed.root = reader.value("--root").value_or("/");
  const auto engines = reader.operands();
  if (!engines) return engines.error();
  if (all ? !engines->empty() : engines->size() != 1) {
    return usage_error(verb, fmt::format("needs one engine, or --all: {}", engine_names()));
  }
  if (!all) parsed.engine = engines->front();
  return parsed;
}

// Units first: they must not start again on what is going away.
Result<void> take_out(const Site& site, Installation& removal) {
  const bool systemd = has_systemd(site);
  if (systemd && !removal.units.empty()) {
    if (auto done = disable_units(site, removal.units); !done) return done;
  }
  if (auto done = apply(site.tree, removal.registration, site.ledger); !done) return done;
  return systemd ? disable_units(site, {}) : Result<void>();
}

ExitCode uninstall_one(const Log& log, const Site& site, const std::string& engine, bool dry_run) {
  auto removal = plan_removal(site, engine);
  if (!removal) return report(log, nothing_changed(std::move(removal).error().in(verb)));
  const std::vector<Change>& changes = removal->registration.changes;
  for (const std::string& note : removal->registration.notes) log.write(Priority::notice, note);
  const std::string nothing = changes.empty() && removal->units.empty()
                                  ? fmt::format("{}: nothing of ours is left to take out\n", engine)
                                  : "";
  if (dry_run) {
    const auto diff = diff_of(site.tree, changes);
    if (!diff) return report(log, diff.error());
    return print(log, *diff + told("would disable", removal->units) + nothing);
  }
  if (auto done = take_out(site, *removal); !done) {
    return report(log, std::move(done).error().in(fmt::format("{} {}", verb, engine)));
  }
  print(log, told(site.tree, changes) + told("disabled", removal->units) + nothing);
  const std::string act = nothing.empty() ? reload_command(site, engine) : "";
  return act.empty() ? ExitCode::fine : print(log, fmt::format("next: {}\n", act));
}

}  // namespace

ExitCode uninstall(const Invocation& invocation) {
  const auto parsed = parse(invocation);
  if (!parsed) return report(invocation.log, parsed.error());
  const auto site = open_site(parsed->root);
  if (!site) return report(invocation.log, nothing_changed(Error(site.error()).in(verb)));
  std::vector<std::string> engines = {parsed->engine};
  if (parsed->engine.empty()) {
    auto registered = registered_engines(*site);
    if (!registered) return report(invocation.log, nothing_changed(Error(registered.error()).in(verb)));
    if (registered->empty()) return print(invocation.log, "no engine is registered\n");
    engines = std::move(*registered);
  }
  ExitCode worst = ExitCode::fine;
  for (const std::string& engine : engines) {
    const ExitCode code = uninstall_one(invocation.log, *site, engine, parsed->dry_run);
    if (code != ExitCode::fine) worst = code;
  }
  return worst;
}

}  // namespace oci_oauth
