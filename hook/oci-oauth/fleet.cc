// SPDX-License-Identifier: Apache-2.0
// oci-oauth fleet: one login on many hosts. Makes the keys, moves a login into the fleet's store and back,
// and shows what is there.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "command.h"
#include "config/provider.h"
#include "config/scope.h"
#include "refresh/refresher.h"
#include "report/fleet_text.h"

namespace oci_oauth {

namespace {

constexpr std::string_view tasks = "init, join, leave, status, takeover or rekey";

struct FleetRun {
  const Invocation& invocation;
  const Instance& instance;
  FleetTask task;
  FleetChange change;
  Progress& progress;
};

std::string context_of(const FleetRun& run, const Profile& profile) {
  return fmt::format("fleet {} '{}'", word(run.task), profile.name);
}

Result<FleetTask> parse_task(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const auto wrong = [&](std::string_view what) { return usage_error(invocation.verb, what); };
  if (arguments.operands.empty()) return wrong(fmt::format("say what to do: {}", tasks));
  const std::string& name = arguments.operands.front();
  const auto task = from_word<FleetTask>(name);
  if (!task || *task == FleetTask::refresh) return wrong(fmt::format("'{}' is not {}", name, tasks));
  if (*task == FleetTask::look && arguments.has("--dry-run"))
    return wrong("status changes nothing, so it takes no --dry-run");
  if (*task != FleetTask::look && arguments.has("--json")) return wrong("only status takes --json");
  if (*task != FleetTask::join && arguments.has("--force")) return wrong("only join takes --force");
  return *task;
}

// The named profiles of the fleet, or all. Failure: one is not the fleet's, or there is none.
Result<std::vector<const Profile*>> fleet_profiles(const FleetRun& run) {
  const Config& config = run.instance.config;
  const std::span operands = run.invocation.arguments.operands;
  const auto names = operands.subspan(1);
  auto profiles = TRY(find_profiles(run.invocation, config, names));
  if (names.empty()) std::erase_if(profiles, [](const Profile* one) { return !one->in_fleet; });
  if (!config.fleet || profiles.empty())
    return Error::configuration(fmt::format("{}: no profile has \"fleet\": true", config.path));
  for (const Profile* one : profiles) {
    if (!one->in_fleet)
      return Error::configuration(
          fmt::format("{}: /profiles/{}: does not have \"fleet\": true", config.path, one->name));
  }
  const bool is_plural = run.task == FleetTask::look || run.task == FleetTask::rekey;
  if (!is_plural && names.size() != 1)
    return usage_error(run.invocation.verb, fmt::format("{} takes the name of one profile", word(run.task)));
  if (config.fleet->role == FleetRole::refresher || run.task == FleetTask::look) return profiles;
  return Error{ErrorKind::usage, "fleet: this host only follows the fleet",
               fmt::format("on a refresher: oci-oauth fleet {}", fmt::join(operands, " "))};
}

// Tells the notices.
Result<FleetStatus> look(const FleetRun& run, const Profile& profile) {
  auto report = TRY(look_at_fleet(run.instance.programs, run.instance.config, profile));
  TRY(report_notices(run.invocation.log, context_of(run, profile), report));
  return std::move(*report.fleet);
}

Result<void> perform(const FleetRun& run, const Profile& profile) {
  const Log& log = run.invocation.log;
  // A takeover is not tried: what it would do is said of what is there.
  if (run.task == FleetTask::takeover && run.change == FleetChange::shown) {
    const FleetStatus status = TRY(look(run, profile));
    log.write(Priority::notice, fmt::format("{}: {}", context_of(run, profile), takeover_text(status)));
    return {};
  }
  auto request = TRY(exchange_request(run.instance.refresher(), profile));
  request.fleet->task = run.task;
  request.fleet->change = run.change;
  const bool is_forced = run.task == FleetTask::takeover || run.invocation.arguments.has("--force");
  request.force = is_forced ? Force::yes : Force::no;
  run.progress.step(
      fmt::format("{} '{}': waiting for its locks and the store", word(run.task), profile.name));
  const auto report =
      exchange_as_owner({run.instance.programs.helper("oci-oauth-exchange"), ""}, std::move(request));
  run.progress.clear();
  return report ? report_notices(log, context_of(run, profile), *report) : report.error();
}

ExitCode work(const FleetRun& run, const std::vector<const Profile*>& profiles) {
  ExitCode worst = ExitCode::fine;
  for (const Profile* profile : profiles) {
    if (auto done = perform(run, *profile); !done) {
      worst = worse(worst, report(run.invocation.log, std::move(done).error().in(context_of(run, *profile))));
      continue;
    }
    if (run.task == FleetTask::leave || run.change == FleetChange::shown) continue;
    // What followers and this host's containers get of it.
    worst = worse(worst, refresh_and_deliver({.instance = run.instance,
                                              .log = run.invocation.log,
                                              .profiles = {profile},
                                              .aim = {.endpoint = Endpoint::left_alone}}));
  }
  return worst;
}

ExitCode show(const FleetRun& run, const std::vector<const Profile*>& profiles) {
  std::vector<FleetRow> rows;
  ExitCode worst = ExitCode::fine;
  for (const Profile* profile : profiles) {
    auto status = look(run, *profile);
    if (status) {
      rows.push_back({profile->name, std::move(*status)});
      continue;
    }
    Error why = std::move(status).error().in(context_of(run, *profile));
    if (why.hint.empty()) why.hint = "oci-oauth doctor";
    worst = worse(worst, report(run.invocation.log, why));
  }
  const bool is_json = run.invocation.arguments.has("--json");
  return worse(worst, print(run.invocation.log, is_json ? fleet_json(rows) : fleet_text(rows, now())));
}

// The keys are made by the program that has the means, as the owner of their directory.
Result<void> make_keys(const FleetRun& run) {
  const auto& fleet = run.instance.config.fleet;
  const std::string directory = fleet ? fleet->keys : FleetConfig().keys;
  if (run.change == FleetChange::made) {
    const bool is_there = ::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST;
    if (!is_there || ::access(directory.c_str(), W_OK) != 0) {
      const Error error = Error::from_errno(errno, directory);
      return errno == EACCES ? Error(error).with_hint("sudo $0") : error;
    }
  }
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
  const FleetTask task = TRY(parse_task(invocation));
  const auto instance = TRY(Instance::open(invocation.config));
  Progress progress = progress_of(invocation);
  const bool is_shown = invocation.arguments.has("--dry-run");
  const FleetRun run = {invocation, instance, task, is_shown ? FleetChange::shown : FleetChange::made,
                        progress};
  if (task == FleetTask::init) {
    if (auto made = make_keys(run); !made) return std::move(made).error().in("fleet init");
    return ExitCode::fine;
  }
  const auto profiles = TRY(fleet_profiles(run));
  return task == FleetTask::look ? show(run, profiles) : work(run, profiles);
}

}  // namespace oci_oauth
