// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresher.h"

#include <algorithm>
#include <cerrno>
#include <random>

#include "base/fmt.h"
#include "base/size.h"
#include "config/trusted_file.h"
#include "refresh/attempt.h"
#include "refresh/deliveries.h"
#include "token/policy.h"
#include "token/refresh_mark.h"

namespace oci_oauth {

namespace {

constexpr auto wait_for_other_refresh = std::chrono::seconds(60);
constexpr size_t delivered_limit = MiB;

bool nothing_to_do(const Profile& profile, const Published& published, const RefreshOptions& options,
                   Time time) {
  if (options.force == Force::yes || options.follows != nullptr) return false;
  if (!options.rejected_token_hash.empty() && options.rejected_token_hash == published.access_token_hash)
    return false;
  // After a failure, the journal may contain a login that is not in its place yet.
  // A command is not asked before its token is due.
  const bool is_unchanged =
      profile.source || (published.login_is_visible && login_is_unchanged(profile.credentials, published));
  return published.has_token() && !published.last_error && freshness(published, time) == Freshness::fresh &&
         published.expires_at - time >= options.min_ttl && is_unchanged;
}

double random_fraction() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

// The owner's observation counts only if root can check it as well; root does not look where it might hang.
bool is_visible(const ExchangeReport& report, const std::string& path) {
  struct stat status;
  return report.login->is_on_local_storage && ::stat(path.c_str(), &status) == 0;
}

// An exchange that never reported: its journal tells the next run what it did.
ExchangeReport report_of(const Error& error) {
  ExchangeReport report;
  const FailureKind kind = error.kind == ErrorKind::temporary       ? FailureKind::unknown
                           : error.kind == ErrorKind::configuration ? FailureKind::configuration
                                                                    : FailureKind::login;
  report.failure = {.kind = kind, .message = error.message, .hint = error.hint};
  return report;
}

// Unchanged content is not written again, so that no watcher wakes without reason.
Result<void> publish_files(int share, const std::string& shown, const LoginSnapshot& login, mode_t mode) {
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
    if (!written) return written;
  }
  return {};
}

Result<FileLock> lock_profile(const RuntimeDir& runtime, const std::string& profile) {
  return FileLock::acquire(runtime.lock_file(profile), LockMode::exclusive,
                           std::chrono::steady_clock::now() + wait_for_other_refresh);
}

// What its owner cannot read: a client's secret that only root can read, and the published state.
Result<void> add_secrets(ExchangeRequest& request, int share) {
  const Profile& profile = request.profile;
  TRY(check_complete(profile, request.provider));
  const std::string& file =
      profile.client_secret_file.empty() ? request.provider.client_secret_file : profile.client_secret_file;
  if (!file.empty()) {
    const auto owner = TRY(owner_of(profile));
    auto secret = TRY(read_client_secret(file, owner.uid));
    request.client_secret = std::move(secret);
  }
  if (!profile.source && !request.provider.fields.access_token.empty()) return {};
  auto token = read_file({share, std::string(token_file), "token"}, delivered_limit, Links::refused);
  if (token) request.published_token = Secret(std::move(*token));
  return {};
}

ExchangeReport exchange(const Refresher& refresher, const Profile& profile, ProfileRecords& known,
                        const RefreshOptions& options, int share) {
  auto provider = load_provider(profile.provider, refresher.provider_directories);
  if (!provider) return report_of(provider.error());
  known.published.shadowed_by = provider->shadowed_by;
  ExchangeRequest request;
  request.profile = profile;
  request.provider = std::move(*provider);
  request.known = known;
  request.force = options.force;
  request.min_ttl = options.min_ttl;
  request.endpoint = options.endpoint;
  request.rejected_token_hash = options.rejected_token_hash;
  if (auto ready = add_secrets(request, share); !ready) return report_of(ready.error());
  auto report = exchange_as_owner(refresher.exchanger, std::move(request));
  return report ? std::move(*report) : report_of(report.error());
}

}  // namespace

Error to_error(const ExchangeFailure& failure) {
  return {error_kind(failure.kind), failure.message, failure.hint};
}

Result<void> check_lifetime(const RefreshOutcome& outcome, Milliseconds min_ttl, Time now) {
  const Published& token = outcome.known.published;
  if (token.has_token() && token.expires_at - now >= min_ttl) return {};
  if (outcome.failure) return to_error(*outcome.failure);
  const Milliseconds life = outcome.known.history.token_life;
  return Error{ErrorKind::usage,
               life > Milliseconds(0)
                   ? fmt::format("--min-ttl: this server's tokens are valid for only {}", describe(life))
                   : "--min-ttl: this server's tokens are not valid for that long",
               "use a smaller --min-ttl"};
}

Result<RefreshOutcome> refresh_profile(const Refresher& refresher, const Profile& profile,
                                       RefreshOptions options) {
  auto share = TRY(refresher.runtime.share(profile.name));
  if (!options.lock) {
    auto lock = TRY(lock_profile(refresher.runtime, profile.name));
    options.lock.emplace(std::move(lock));
  }
  const RefreshMark mark(options.lock->fd());
  const auto published = TRY(refresher.runtime.published(profile.name));
  const auto history = TRY(refresher.runtime.history(profile.name));
  RefreshOutcome outcome;
  outcome.known = {published.value_or(Published{}), history.value_or(RefreshHistory{})};
  const auto deliver = [&] {
    return deliver_to_containers(refresher.runtime, profile.name, share.get(), outcome.known.published.login);
  };
  if (history && nothing_to_do(profile, outcome.known.published, options, now())) {
    outcome.deliveries_failed = deliver();  // a container may have lost what it had
    return outcome;
  }

  ExchangeReport report = exchange(refresher, profile, outcome.known, options, share.get());
  const Time time = now();
  if (report.login) {
    report.login->is_on_local_storage = is_visible(report, profile.credentials);
    note_login(outcome.known, report, profile, time);
  }
  // A run that sent no request has learned nothing about the endpoint.
  if (options.endpoint == Endpoint::asked || report.failure) {
    note_attempt(outcome.known, report, {time, random_fraction()});
  } else if (options.follows != nullptr) {
    note_attempt_of(outcome.known, report, *options.follows);
  }
  outcome.refreshed = report.refreshed;
  outcome.notices = std::move(report.notices);
  if (!published || !history) {
    for (const Error& damage : refresher.runtime.damage_of(profile.name))
      outcome.notices.push_back(damage.message + ", so it is replaced");
  }
  if (report.login) {
    TRY(publish_files(share.get(), refresher.runtime.share_path(profile.name), *report.login, profile.mode));
  }
  outcome.deliveries_failed = deliver();
  // Last, because until it exists the next run repeats all of this.
  TRY(refresher.runtime.publish(profile.name, outcome.known));
  outcome.failure = std::move(report.failure);
  return outcome;
}

}  // namespace oci_oauth
