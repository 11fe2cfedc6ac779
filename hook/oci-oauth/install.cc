// SPDX-License-Identifier: Apache-2.0
// oci-oauth install: registers with an engine, for the whole machine or, rootless, for the calling user.

#include "install.h"

#include <unistd.h>

#include "base/fmt.h"
#include "program/hint.h"
#include "setup/docker_daemon.h"
#include "setup/systemd.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "install";

// The one engine that is named.
Result<std::string> parse(const Invocation& invocation) {
  TRY(refuse_config(verb, invocation));
  const auto& engines = invocation.arguments.operands;
  if (engines.size() != 1)
    return usage_error(verb, fmt::format("needs one engine: {}", fmt::join(engine_name::all, ", ")));
  if (invocation.arguments.has("--default") && engines.front() != engine_name::docker)
    return usage_error(verb, "--default is for docker only");
  return engines.front();
}

std::string next_lines(const Host& host, const Plan& plan, Reload reload) {
  std::string text;
  for (const std::string& act : plan.next) text += fmt::format("next: {}\n", act);
  if (reload == Reload::by_caller || !host.tree.is_host()) return text;
  const auto taken_up = plan.engine == engine_name::docker ? docker_has_taken_up() : false;
  if (taken_up && *taken_up)
    return text + fmt::format("{}: the running engine has the runtime oci-oauth\n", plan.engine);
  const std::string act = reload_command(host, plan.engine);
  return act.empty() ? text : text + fmt::format("next: {}\n", as_typed(act));
}

}  // namespace

Result<void> refuse_config(std::string_view verb, const Invocation& invocation) {
  if (invocation.config.empty()) return {};
  return usage_error(verb, "--config is not supported: engines use the default configuration");
}

Error nothing_changed(std::string_view verb, Error error, std::string_view nothing) {
  const bool knows_better = !error.hint.empty() || error.kind == ErrorKind::configuration;
  error = std::move(error).in(verb);
  if (knows_better) return error;
  return std::move(error).with_hint(fmt::format("{} was changed; fix this and run it again", nothing));
}

void tell_notes(const Log& log, const Plan& plan) {
  for (const std::string& note : plan.notes) log.write(Priority::notice, note);
  if (!plan.unread.empty()) log.write(Priority::warning, plan.unread, unread_remedy);
}

std::string list_units(std::string_view verb, const std::vector<std::string>& units) {
  std::string text;
  for (const std::string& unit : units) text += fmt::format("{} {}\n", verb, unit);
  return text;
}

std::string nothing_to_do(const Plan& plan) {
  if (!plan.is_done()) return "";
  return plan.engine + (plan.is_removal ? ": there is nothing to remove\n" : ": is already registered\n");
}

Result<ExitCode> show(const Log& log, const Plan& plan) {
  const std::string diff = TRY(diff_of(plan.changes));
  tell_notes(log, plan);
  return print(log, diff + list_units(plan.is_removal ? "would disable" : "would enable", plan.units) +
                        nothing_to_do(plan));
}

Result<ExitCode> carry_out(const Log& log, const Host& host, const Plan& plan, Reload reload,
                           Progress& progress) {
  if (auto done = apply(host, plan.changes, plan.ledger); !done) {
    return std::move(done)
        .error()
        .in(fmt::format("install {}: nothing was changed", plan.engine))
        .with_hint("fix this and run it again");
  }
  progress.clear();
  print(log, list_changes(plan.changes));
  tell_notes(log, plan);
  if (has_systemd(host)) {
    progress.step("making systemd read its units again");
    // A generator makes some units from the configuration.
    auto done = run_systemctl(host, {"daemon-reload"});
    if (done && !plan.units.empty()) done = run_systemctl(host, {"enable", "--now"}, plan.units);
    progress.clear();
    TRY(std::move(done));
    print(log, list_units("enabled", plan.units));
    // With the profiles of the configuration, which ends no stream.
    if (plan.engine == engine_name::proxy)
      TRY(run_systemctl(host, {"try-reload-or-restart"}, {"oci-oauth-proxy.service"}));
  }
  return print(log, nothing_to_do(plan) + next_lines(host, plan, reload));
}

Result<ExitCode> install(const Invocation& invocation) {
  const Log& log = invocation.log;
  const Arguments& arguments = invocation.arguments;
  const std::string engine = TRY(parse(invocation));
  auto host = open_host(arguments.value("--root").value_or("/"));
  if (!host) return nothing_changed(verb, host.error());
  const LoginChoice login = {arguments.value("--credentials"), arguments.value("--provider")};
  const auto plan =
      plan_installation(*host, engine, login, arguments.has("--default") ? Default::ours : Default::as_is);
  if (!plan) return nothing_changed(verb, plan.error());
  if (arguments.has("--dry-run")) return show(log, *plan);
  Progress progress = progress_of(invocation);
  return carry_out(log, *host, *plan, Reload::by_person, progress);
}

}  // namespace oci_oauth
