// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresh_run.h"

#include <fcntl.h>

#include "base/child.h"
#include "base/file_lock.h"
#include "base/fmt.h"
#include "config/provider.h"
#include "config/scope.h"
#include "refresh/deliveries.h"
#include "refresh/logins.h"

namespace oci_oauth {

namespace {

std::string describe_outcome(const RefreshOutcome& outcome, Endpoint endpoint) {
  const char* done = endpoint == Endpoint::left_alone ? "published as it is"
                     : outcome.refreshed              ? "refreshed"
                                                      : "fresh";
  const auto expiry = outcome.known.published.known_expiry();
  return fmt::format("{}, {}", done, expiry ? "valid until " + rfc3339(*expiry) : "its expiry is not known");
}

ExitCode report_outcome(const RefreshRun& run, const ProfileOutcome& done) {
  const std::string context = fmt::format("refresh '{}'", done.profile->name);
  if (!done.outcome) return report(run.log, Error(done.outcome.error()).in(context));
  const RefreshOutcome& outcome = *done.outcome;
  auto reported = report_notices(run.log, context, outcome);
  for (const Error& error : outcome.deliveries_failed) {
    run.log.write(Priority::warning, fmt::format("{}: {}", context, error.message), error.hint);
  }
  if (!reported) return report(run.log, std::move(reported).error().in(context));
  run.log.write(Priority::info, fmt::format("{}: {}", context, describe_outcome(outcome, run.aim.endpoint)));
  return ExitCode::fine;
}

ExitCode refresh_one(const RefreshRun& run, const LoginProfiles& login) {
  std::optional<FileLock> lock;
  if (run.lock_fd >= 0) {
    auto held = inherited_lock(run.instance.runtime, login.front()->name, run.lock_fd);
    if (!held) return report(run.log, std::move(held).error().in("refresh"));
    lock.emplace(std::move(*held));
  }
  const Refresher refresher = run.instance.refresher(run.exchange_socket);
  ExitCode worst = ExitCode::fine;
  for (const ProfileOutcome& done :
       refresh_login(refresher, run.instance.config, login, run.aim, std::move(lock))) {
    worst = worse(worst, report_outcome(run, done));
  }
  return worst;
}

ExitCode refresh_logins(const RefreshRun& run) {
  const std::vector<LoginProfiles> logins = logins_of(run.profiles);
  if (logins.size() == 1) return refresh_one(run, logins.front());
  std::vector<std::function<int()>> jobs;
  jobs.reserve(logins.size());
  for (const LoginProfiles& login : logins) {
    jobs.push_back([&] { return static_cast<int>(refresh_one(run, login)); });
  }
  const auto results = run_side_by_side(jobs, patience_of_run);
  ExitCode worst = ExitCode::fine;
  for (size_t i = 0; i < results.size(); ++i) {
    const Error unfinished = {ErrorKind::temporary,
                              fmt::format("refresh '{}': did not finish in time", logins[i].front()->name),
                              "the next refresh completes it"};
    worst = worse(worst, results[i] ? ExitCode{*results[i]} : report(run.log, unfinished));
  }
  return worst;
}

// Removes what is left of containers and profiles that are gone.
void tidy_up(const Log& log, const Instance& instance) {
  for (const Error& error : retire_profiles(instance.runtime, instance.config))
    log.write(Priority::warning, error);
  const Sweep sweep = sweep_records(instance.runtime);
  for (const Error& error : sweep.failures) log.write(Priority::warning, error);
  if (sweep.swept > 0)
    log.write(Priority::info,
              fmt::format("forgot {} that {} gone",
                          sweep.swept == 1 ? "1 container" : fmt::format("{} containers", sweep.swept),
                          sweep.swept == 1 ? "is" : "are"));
}

}  // namespace

Result<void> report_notices(const Log& log, std::string_view context, const ExchangeOutcome& outcome) {
  for (const std::string& notice : outcome.notices)
    log.write(Priority::notice, fmt::format("{}: {}", context, notice));
  return outcome.failure ? to_error(*outcome.failure) : Result<void>();
}

ExitCode run_refresh(const RefreshRun& run) {
  const RuntimeDir& runtime = run.instance.runtime;
  if (runtime.share_storage() == ShareStorage::disk) {
    run.log.write(Priority::warning,
                  fmt::format("{}/share: is on a disk, so access tokens are written to it", runtime.path()),
                  "set \"runtime_dir\" to a directory on a tmpfs, for example below /run");
  }
  for (const Profile* profile : run.profiles)
    runtime.note_configuration(profile->name, run.instance.config.path);
  const ExitCode worst = refresh_logins(run);
  tidy_up(run.log, run.instance);
  return worst;
}

Result<FileLock> inherited_lock(const RuntimeDir& runtime, const std::string& profile, int fd) {
  const FileAt file = runtime.lock_file(profile);
  if (!is_same_file(file_id(fd), file_id(file)))
    return Error{ErrorKind::usage, fmt::format("descriptor {} is not {}", fd, file.shown)};
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return FileLock::acquire(UniqueFd(fd), LockMode::exclusive, SteadyTime{}, file.shown);
}

Result<Instance> Instance::open(const std::string& config) {
  auto programs = TRY(InstalledPrograms::find());
  auto opened = TRY(open_configuration(config));
  auto runtime = TRY(RuntimeDir::open(opened.runtime_dir));
  return Instance{std::move(programs), std::move(opened), std::move(runtime)};
}

Refresher Instance::refresher(const std::string& exchange_socket) const {
  return {runtime,
          provider_directories(programs.prefix),
          {programs.helper("oci-oauth-exchange"), exchange_socket},
          config.fleet ? &*config.fleet : nullptr};
}

std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience) {
  Supervision supervision(patience);
  std::vector<std::optional<int>> results(jobs.size());
  std::vector<Child> children(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto child = run_in_child([&] {
      supervision.restore_signals();
      return jobs[i]();
    });
    if (child) children[i] = std::move(*child);
  }
  const auto tell = [&] {
    for (const Child& child : children) child.signal(SIGTERM);
  };
  while (true) {
    std::vector<pollfd> running;
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (!children[i]) continue;
      if (const auto end = children[i].wait_until(SteadyTime{})) {
        if (end->signal() == 0) results[i] = end->code();
      } else {
        running.push_back(readable(children[i].fd()));
      }
    }
    if (running.empty() || !supervision.wait(running, tell)) return results;
  }
}

}  // namespace oci_oauth
