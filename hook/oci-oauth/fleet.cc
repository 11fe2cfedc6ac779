// SPDX-License-Identifier: Apache-2.0
// oci-oauth fleet: one login on many hosts. Makes the keys, moves a login into the fleet's store and back,
// and shows what is there.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "command.h"
#include "config/provider.h"
#include "config/scope.h"
#include "refresh/refresher.h"
#include "report/fleet_text.h"
#include "report/terminal.h"
#include "worker/worker.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "fleet";

struct FleetRun {
  const Invocation& invocation;
  const Instance& instance;
  FleetTask task;
  FleetChange change;
  Progress& progress;
};

std::string context_of(const FleetRun& run, const Profile& profile) {
  return fmt::format("fleet {} '{}'", run.invocation.arguments.operands.front(), profile.name);
}

Result<FleetTask> parse_task(const Arguments& arguments) {
  const std::string name = arguments.operands.empty() ? "" : arguments.operands.front();
  const auto task = from_word<FleetTask>(name == "status" ? "look" : name);
  if (task && *task != FleetTask::refresh && name != "look") return *task;
  return usage_error(
      verb, name.empty() ? "say what to do: init, join, leave, status, takeover or rekey"
                         : fmt::format("'{}' is not init, join, leave, status, takeover or rekey", name));
}

Result<void> check_options(FleetTask task, const Arguments& arguments) {
  if (task == FleetTask::look && arguments.has("--dry-run"))
    return usage_error(verb, "status changes nothing, so it takes no --dry-run");
  if (task != FleetTask::look && arguments.has("--json"))
    return usage_error(verb, "only status takes --json");
  if (task != FleetTask::join && arguments.has("--force"))
    return usage_error(verb, "only join takes --force");
  return {};
}

// The named profiles of the fleet, or all. Failure: one is not the fleet's, or there is none.
Result<std::vector<const Profile*>> fleet_profiles(const FleetRun& run) {
  const Config& config = run.instance.config;
  auto names = run.invocation.arguments.operands;
  names.erase(names.begin());
  auto profiles = TRY(find_profiles(verb, config, names));
  if (names.empty()) std::erase_if(profiles, [](const Profile* one) { return !one->in_fleet; });
  const Error none = Error::configuration(fmt::format("{}: no profile has \"fleet\": true", config.path));
  if (!config.fleet || profiles.empty()) return Error(none).with_hint("man 5 oci-oauth-config");
  for (const Profile* one : profiles) {
    if (!one->in_fleet)
      return Error::configuration(
          fmt::format("{}: /profiles/{}: does not have \"fleet\": true", config.path, one->name));
  }
  const bool is_plural = run.task == FleetTask::look || run.task == FleetTask::rekey;
  if (!is_plural && names.size() != 1)
    return usage_error(verb, fmt::format("{} takes the name of one profile", word(run.task)));
  if (config.fleet->role == FleetRole::refresher || run.task == FleetTask::look) return profiles;
  return Error{
      ErrorKind::usage, "fleet: this host only follows the fleet",
      fmt::format("on a refresher: oci-oauth fleet {}", fmt::join(run.invocation.arguments.operands, " "))};
}

// Tells the notices. Failure: the report's.
Result<ExchangeReport> tell(const FleetRun& run, const Profile& profile, ExchangeReport report) {
  run.progress.clear();
  TRY(report_notices(run.invocation.log, context_of(run, profile), report));
  return report;
}

Result<ExchangeReport> perform(const FleetRun& run, const Profile& profile) {
  run.progress.step(
      fmt::format("{} '{}': waiting for its locks and the store", word(run.task), profile.name));
  const Instance& instance = run.instance;
  auto request = TRY(exchange_request(instance.refresher(), profile));
  request.fleet->task = run.task;
  request.fleet->change = run.change;
  const bool is_forced = run.task == FleetTask::takeover || run.invocation.arguments.has("--force");
  request.force = is_forced ? Force::yes : Force::no;
  return tell(
      run, profile,
      TRY(exchange_as_owner({instance.programs.helper("oci-oauth-exchange"), ""}, std::move(request))));
}

// What followers and this host's containers get of it.
ExitCode publish(const FleetRun& run, const Profile& profile) {
  const bool is_left = run.task == FleetTask::leave;
  if (is_left || run.change == FleetChange::shown) return ExitCode::fine;
  return refresh_and_deliver({.instance = run.instance,
                              .log = run.invocation.log,
                              .profiles = {&profile},
                              .aim = {.endpoint = Endpoint::left_alone}});
}

// A takeover is not tried: what it would do is said of what is there.
Result<void> tell_takeover(const FleetRun& run, const Profile& profile) {
  auto asked = TRY(look_at_fleet(run.instance.programs, run.instance.config, profile));
  const auto report = TRY(tell(run, profile, std::move(asked)));
  run.invocation.log.write(
      Priority::notice, fmt::format("fleet takeover '{}': {}", profile.name, takeover_text(*report.fleet)));
  return {};
}

ExitCode work(const FleetRun& run, const std::vector<const Profile*>& profiles) {
  ExitCode worst = ExitCode::fine;
  for (const Profile* profile : profiles) {
    const bool is_told = run.task == FleetTask::takeover && run.change == FleetChange::shown;
    Result<void> done;
    if (is_told) {
      done = tell_takeover(run, *profile);
    } else if (auto report = perform(run, *profile); !report) {
      done = std::move(report).error();
    }
    run.progress.clear();
    worst = worse(worst,
                  done ? publish(run, *profile)
                       : report(run.invocation.log, std::move(done).error().in(context_of(run, *profile))));
  }
  return worst;
}

ExitCode show(const FleetRun& run, const std::vector<const Profile*>& profiles) {
  std::vector<FleetRow> rows;
  ExitCode worst = ExitCode::fine;
  for (const Profile* profile : profiles) {
    auto seen = look_at_fleet(run.instance.programs, run.instance.config, *profile);
    if (seen) seen = tell(run, *profile, std::move(*seen));
    if (seen) {
      rows.push_back({profile->name, std::move(*seen->fleet)});
    } else {
      Error why = std::move(seen).error().in(context_of(run, *profile));
      if (why.hint.empty()) why.hint = "oci-oauth doctor";
      worst = worse(worst, report(run.invocation.log, why));
    }
  }
  const bool is_json = run.invocation.arguments.has("--json");
  const ExitCode printed = print(run.invocation.log, is_json ? fleet_json(rows) : fleet_text(rows, now()));
  return worse(worst, printed);
}

// The keys are made by the program that has the means, as the owner of their directory.
Result<void> make_keys(const FleetRun& run) {
  const auto& fleet = run.instance.config.fleet;
  const std::string directory = fleet ? fleet->keys : FleetConfig().keys;
  if (run.change == FleetChange::made && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return Error::from_errno(errno, directory);
  ExchangeRequest request;
  request.profile.name = "fleet";
  request.profile.credentials = fmt::format("{}/{}", directory, login_key_file);
  request.fleet.emplace();
  request.fleet->task = run.task;
  request.fleet->change = run.change;
  const auto report =
      TRY(exchange_as_owner({run.instance.programs.helper("oci-oauth-exchange"), ""}, std::move(request)));
  return report_notices(run.invocation.log, "fleet init", report);
}

}  // namespace

Result<ExchangeReport> look_at_fleet(const InstalledPrograms& programs, const Config& config,
                                     const Profile& profile) {
  ExchangeRequest request;
  request.profile = profile;
  request.provider = TRY(load_provider(profile, provider_directories(programs.prefix)));
  request.fleet = TRY(fleet_access(*config.fleet));
  request.fleet->task = FleetTask::look;
  // A follower has no document, and reads its keys.
  if (config.fleet->role == FleetRole::follower)
    request.profile.credentials = fmt::format("{}/{}", config.fleet->keys, access_key_file);
  return exchange_as_owner({programs.helper("oci-oauth-exchange"), ""}, std::move(request));
}

Result<ExitCode> fleet(const Invocation& invocation) {
  const FleetTask task = TRY(parse_task(invocation.arguments));
  TRY(check_options(task, invocation.arguments));
  const auto instance = TRY(Instance::open(invocation.config));
  const Arguments& arguments = invocation.arguments;
  Progress progress(STDERR_FILENO, "oci-oauth: fleet", arguments.has("--quiet") ? Quiet::yes : Quiet::no);
  const FleetRun run = {invocation, instance, task,
                        arguments.has("--dry-run") ? FleetChange::shown : FleetChange::made, progress};
  if (task == FleetTask::init) {
    if (auto made = make_keys(run); !made) return std::move(made).error().in("fleet init");
    return ExitCode::fine;
  }
  const auto profiles = TRY(fleet_profiles(run));
  return task == FleetTask::look ? show(run, profiles) : work(run, profiles);
}

}  // namespace oci_oauth
