// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "base/size.h"
#include "refresh/cooldown.h"
#include "refresh/deliveries.h"
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
         published.expires_at - time >= options.min_ttl && published.login_is_visible &&
         login_is_unchanged(profile.credentials, published);
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

// No look where it may hang.
bool is_visible(const LoginSnapshot& login, const std::string& path) {
  struct stat status;
  return login.is_on_local_storage && ::stat(path.c_str(), &status) == 0;
}

void note_login(Published& published, const LoginSnapshot& login, const Profile& profile, Time time) {
  published.login = login.stamp;
  published.login_is_visible = is_visible(login, profile.credentials);
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
  published.due_at = due_at(published.obtained_at, login.expires_at, profile.refresh_before);
  published.login_expires_at = login.login_expires_at;
}

void note_attempt(Published& published, const ExchangeReport& report, Time time) {
  published.attempted_at = time;
  ++published.attempts;
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

}  // namespace

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
  if (report.login) note_login(outcome.published, *report.login, profile, time);
  // Who asked nobody has learned nothing of the endpoint.
  if (options.endpoint == Endpoint::asked || report.failure) note_attempt(outcome.published, report, time);
  outcome.refreshed = report.refreshed;
  outcome.notices = std::move(report.notices);
  if (const auto damage = *before ? std::nullopt : refresher.runtime.damage_of(profile.name))
    outcome.notices.push_back(damage->message + ", so it is written anew");
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
