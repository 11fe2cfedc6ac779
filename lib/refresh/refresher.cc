// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresher.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "base/size.h"
#include "oci/container_record.h"
#include "oci/container_root.h"
#include "oci/user_namespace.h"
#include "oci/written_directory.h"
#include "refresh/cooldown.h"
#include "token/delivery.h"
#include "token/forget_container.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr auto wait_for_other_refresh = std::chrono::seconds(60);
constexpr size_t delivered_limit = MiB;

bool nothing_to_do(const Profile& profile, const Published& published, const RefreshOptions& options,
                   Time time) {
  // After a failure the journal may hold a login that is not in its place yet.
  return options.force == Force::no && published.has_token() && !published.last_error &&
         freshness(time, published.due_at, published.expires_at) == Freshness::fresh &&
         published.expires_at - time >= options.min_ttl && login_is_unchanged(profile.credentials, published);
}

double random_fraction() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

void note_failure(Published& published, const ExchangeFailure& failure, Time time) {
  published.last_error = LastError{failure.kind, failure.message, failure.hint, time};
  if (!failure.dead_refresh_token_hash.empty())
    published.dead_refresh_token_hash = failure.dead_refresh_token_hash;
  // A run that asked nobody because of an earlier cool-down must not prolong it.
  if (published.rests(time) && !failure.retry_after) return;
  ++published.failures;
  ++published.outcomes[std::string(word(failure.kind))];
  published.not_before =
      time + cooldown(failure.kind, published.failures, failure.retry_after, random_fraction());
}

void note_login(Published& published, const LoginSnapshot& login, Milliseconds refresh_before, Time time) {
  published.login = login.stamp;
  if (login.refresh_token_hash != published.dead_refresh_token_hash)
    published.dead_refresh_token_hash.clear();
  if (login.access_token_hash != published.access_token_hash) {
    published.access_token_hash = login.access_token_hash;
    published.obtained_at = time;
    // The endpoint answers somebody.
    published.failures = 0;
    published.not_before = Time{};
  }
  published.expires_at = login.expires_at;
  published.due_at = due_at(published.obtained_at, login.expires_at, refresh_before);
  published.login_expires_at = login.login_expires_at;
}

void note_attempt(Published& published, const ExchangeReport& report, Time time) {
  published.attempted_at = time;
  if (report.refreshed) {
    published.refreshed_at = time;
    ++published.outcomes["refreshed"];
  }
  if (report.failure) {
    note_failure(published, *report.failure, time);
  } else {
    published.last_error.reset();
  }
}

// An exchange that never reported: its journal tells the next run what it did.
ExchangeReport report_of(const Error& error) {
  ExchangeReport report;
  const bool killed = error.kind == ErrorKind::temporary;
  report.failure = {killed ? FailureKind::unknown : FailureKind::login, error.message, error.hint, {}, {}};
  return report;
}

// Unchanged content is not written again: no watcher wakes for nothing. Result: whether anything changed.
Result<bool> publish_files(int share, const std::string& shown, const LoginSnapshot& login, mode_t mode) {
  bool changed = false;
  for (const auto& [name, content] : login.files) {
    auto old = read_file({share, name, fmt::format("{}/{}", shown, name)}, delivered_limit, Links::refused);
    if (old) {
      const Secret current(std::move(*old));
      struct stat status;
      const bool same_mode =
          ::fstatat(share, name.c_str(), &status, 0) == 0 && (status.st_mode & 07777) == mode;
      if (current == content && same_mode) continue;
    }
    auto written = replace_file(share, name, shown, content.reveal(), {mode, std::nullopt, ""});
    if (!written) return std::move(written).error();
    changed = true;
  }
  return changed;
}

bool is_read_only(const UniqueFd& directory) {
  struct statvfs status;
  return ::fstatvfs(directory.get(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

// The host's view of the directory; where its path no longer leads there, or our sandbox has it read-only,
// the running container's.
Result<UniqueFd> open_written_directory(const ContainerRecord& record, const WatchedProcess& container,
                                        const DeliveryRecord& delivery) {
  auto directory = open_same_directory(delivery.source, delivery.device, delivery.inode);
  if (directory && !is_read_only(*directory)) return directory;
  auto process = ContainerProcess::open(record.process.pid);
  auto root = process ? ContainerRoot::open(*process, "/") : Result<ContainerRoot>(process.error());
  auto inside = root ? root->open_directory(delivery.target) : Result<UniqueFd>(root.error());
  struct stat status;
  const bool same = inside && ::fstat(inside->get(), &status) == 0 && status.st_dev == delivery.device &&
                    status.st_ino == delivery.inode && container.is_running();
  return same ? std::move(inside) : std::move(directory);
}

// Nothing happens where the container is gone.
Result<void> deliver_again(const ContainerRecord& record, const DeliveryRecord& delivery,
                           const ShareContent& share, const FileStamp& login) {
  const WatchedProcess container(record.process);
  if (!container.is_running()) return {};
  const std::string shown = fmt::format("container {}: {}", record.id, delivery.target);
  auto directory = open_written_directory(record, container, delivery);
  if (!directory) return std::move(directory).error().in(shown);
  const FileAccess access = {delivery.owner, delivery.mode, delivery.label};
  return in_user_namespace(record.process.pid, delivery.user_namespace, [&]() -> Result<void> {
    auto written = deliver_files(share, directory->get(), shown, access, login);
    if (!written) return std::move(written).error();
    // Its poststop hook may have cleaned up before we wrote.
    if (!container.is_running()) remove_delivered(directory->get(), *written, login);
    return {};
  });
}

std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login) {
  std::vector<Error> failed;
  const auto records = list_written_records(runtime.containers().get());
  if (!records) failed.push_back(records.error());
  if (!records || records->empty()) return failed;
  const auto content = read_share(share);
  if (!content) failed.push_back(content.error());
  if (!content) return failed;
  for (const ContainerRecord& record : *records) {
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile != profile || delivery.kind != DeliveryKind::write) continue;
      if (auto done = deliver_again(record, delivery, *content, login); !done)
        failed.push_back(std::move(done).error());
    }
  }
  return failed;
}

}  // namespace

size_t sweep_records(const RuntimeDir& runtime) {
  const UniqueFd directory = runtime.containers();
  auto records = list_records(directory.get());
  if (!records) return 0;
  size_t swept = 0;
  for (const ContainerRecord& record : *records) {
    if (is_running(record.process)) continue;
    // A container that was started again meanwhile has the same id and another process.
    const auto still = load_record(directory.get(), record.id);
    if (!still || still->process != record.process) continue;
    forget_container(runtime, record, *records);
    ++swept;
  }
  return swept;
}

Error to_error(const ExchangeFailure& failure) {
  return {error_kind(failure.kind), failure.message, failure.hint};
}

Result<RefreshOutcome> refresh_profile(const Refresher& refresher, const Profile& profile,
                                       RefreshOptions options) {
  auto share = refresher.runtime.share(profile.name);
  if (!share) return std::move(share).error();
  if (!options.lock) {
    auto lock = FileLock::acquire(refresher.runtime.lock_file(profile.name), LockMode::exclusive,
                                  std::chrono::steady_clock::now() + wait_for_other_refresh);
    if (!lock) return std::move(lock).error();
    options.lock.emplace(std::move(*lock));
  }
  auto before = refresher.runtime.published(profile.name);
  if (!before) return std::move(before).error();
  RefreshOutcome outcome;
  if (*before) outcome.published = **before;
  if (nothing_to_do(profile, outcome.published, options, now())) return outcome;

  auto provider = load_provider(profile.provider, refresher.provider_directories);
  if (!provider) return std::move(provider).error();
  outcome.published.provider = profile.provider;

  auto run =
      exchange_as_owner(refresher.exchanger, {profile, std::move(*provider), outcome.published, options.force,
                                              options.min_ttl, options.endpoint, std::nullopt});
  ExchangeReport report = run.report ? std::move(*run.report) : report_of(run.report.error());
  const Time time = now();
  if (report.login) note_login(outcome.published, *report.login, profile.refresh_before, time);
  // Who asked nobody has learned nothing of the endpoint.
  if (options.endpoint == Endpoint::asked || report.failure) note_attempt(outcome.published, report, time);
  outcome.refreshed = report.refreshed;
  outcome.notices = std::move(report.notices);
  if (report.login) {
    auto changed =
        publish_files(share->get(), refresher.runtime.share_path(profile.name), *report.login, profile.mode);
    if (!changed) return std::move(changed).error();
    // Also where an earlier run published the files and was killed before it came to the containers.
    const bool is_new = !*before || (*before)->access_token_hash != report.login->access_token_hash;
    if (*changed || is_new) {
      outcome.deliveries_failed =
          deliver_to_containers(refresher.runtime, profile.name, share->get(), outcome.published.login);
    }
  }
  // Last: until it is there, the next run does all of this again.
  if (auto done = refresher.runtime.publish(profile.name, outcome.published); !done)
    return std::move(done).error();
  outcome.failure = std::move(report.failure);
  return outcome;
}

}  // namespace oci_oauth
