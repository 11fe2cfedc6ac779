// SPDX-License-Identifier: Apache-2.0
// oci-oauth install: registers with an engine, for the whole machine or, rootless, for the calling user.

#include "install.h"

#include <unistd.h>

#include "base/fmt.h"
#include "command.h"
#include "program/hint.h"
#include "setup/change_report.h"
#include "setup/systemd.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "install";

struct InstallArguments {
  InstallRequest request;
  std::string root = "/";
  bool dry_run = false;
  Quiet quiet = Quiet::no;
};

Result<InstallArguments> parse(const Invocation& invocation) {
  InstallArguments parsed;
  if (!invocation.config.empty())
    return usage_error(verb, "--config is not supported: engines use the default configuration");
  const Arguments& arguments = invocation.arguments;
  parsed.dry_run = arguments.has("--dry-run");
  parsed.quiet = arguments.has("--quiet") ? Quiet::yes : Quiet::no;
  if (arguments.has("--default")) parsed.request.as_default = Default::ours;
  parsed.root = arguments.value("--root").value_or("/");
  parsed.request.login = {arguments.value("--credentials"), arguments.value("--provider")};
  const auto& engines = arguments.operands;
  if (engines.size() != 1)
    return usage_error(verb, fmt::format("needs one engine: {}", fmt::join(engine_name::all, ", ")));
  parsed.request.engine = engines.front();
  if (parsed.request.as_default == Default::ours && parsed.request.engine != engine_name::docker) {
    return usage_error(verb, "--default is for docker only");
  }
  return parsed;
}

void tell_notes(const Log& log, const Installation& installation) {
  for (const std::string& note : installation.registration.notes) log.write(Priority::notice, note);
  if (!installation.unread.empty()) {
    log.write(Priority::warning, installation.unread, unread_remedy);
  }
}

// Printed if there is nothing to do.
std::string already(const Installation& installation, const std::string& engine) {
  const bool anything = !installation.registration.changes.empty() || !installation.units.empty();
  return anything ? "" : fmt::format("{}: is already registered\n", engine);
}

ExitCode show(const Log& log, const Host& host, const Installation& installation, const std::string& engine) {
  const auto diff = diff_of(host.tree, installation.registration.changes);
  if (!diff) return report(log, diff.error());
  tell_notes(log, installation);
  return print(log, *diff + list_units("would enable", installation.units) + already(installation, engine));
}

bool has_taken_up(const Host& host, std::string_view engine) {
  if (engine != engine_name::docker || !host.tree.is_host()) return false;
  const auto answer = docker_has_taken_up();
  return answer && *answer;
}

void tell_next(const Log& log, const Host& host, const Installation& installation, const std::string& engine,
               Reload reload) {
  std::string text;
  for (const std::string& act : installation.next) text += fmt::format("next: {}\n", act);
  if (reload == Reload::by_caller) {
    print(log, text);
    return;
  }
  if (has_taken_up(host, engine)) {
    text += fmt::format("{}: the running engine has the runtime oci-oauth\n", engine);
  } else if (const std::string act = reload_command(host, engine); !act.empty()) {
    text += fmt::format("next: {}\n", as_typed(act));
  }
  print(log, text);
}

}  // namespace

ExitCode carry_out(const Log& log, const Host& host, Installation& installation, const std::string& engine,
                   Reload reload, Progress& progress) {
  Registration& registration = installation.registration;
  if (auto done = apply(host.tree, registration, host.ledger); !done) {
    return report(log, std::move(done)
                           .error()
                           .in(fmt::format("install {}: nothing was changed", engine))
                           .with_hint("run it as a user who can write there, for example root"));
  }
  progress.clear();
  print(log, list_changes(host.tree, registration.changes));
  tell_notes(log, installation);
  if (has_systemd(host)) {
    progress.step("making systemd read its units again");
    auto done = enable_units(host, installation.units);
    progress.clear();
    if (!done) return report(log, done.error());
    print(log, list_units("enabled", installation.units));
    if (engine == engine_name::proxy) {
      if (auto reloaded = reload_proxy(host); !reloaded) return report(log, reloaded.error());
    }
  }
  print(log, already(installation, engine));
  tell_next(log, host, installation, engine, reload);
  return ExitCode::fine;
}

ExitCode install(const Invocation& invocation) {
  const auto parsed = parse(invocation);
  if (!parsed) return report(invocation.log, parsed.error());
  auto host = open_host(parsed->root);
  if (!host) return report(invocation.log, nothing_changed(Error(host.error()).in(verb)));
  auto installation = plan_installation(*host, parsed->request);
  if (!installation) return report(invocation.log, nothing_changed(std::move(installation).error().in(verb)));
  if (parsed->dry_run) return show(invocation.log, *host, *installation, parsed->request.engine);
  Progress progress(STDERR_FILENO, "oci-oauth: install", parsed->quiet);
  return carry_out(invocation.log, *host, *installation, parsed->request.engine, Reload::by_person, progress);
}

}  // namespace oci_oauth
