// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresher.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "base/size.h"
#include "config/trusted_file.h"
#include "refresh/deliveries.h"
#include "token/policy.h"
#include "token/refresh_mark.h"

namespace oci_oauth {

namespace {

constexpr auto wait_for_other_refresh = std::chrono::seconds(60);
constexpr size_t delivered_limit = MiB;

// A follower has what the fleet's refreshers obtain, and nothing to send.
bool only_follows(const Refresher& refresher, const Profile& profile) {
  return profile.in_fleet && refresher.fleet != nullptr && refresher.fleet->role == FleetRole::follower;
}

// Why a follower does not have the token that is wanted. nullopt: it has.
std::optional<ExchangeFailure> unfollowed(const Published& published, const RefreshAim& aim, Time now) {
  const bool is_refused =
      !aim.rejected_token_hash.empty() && aim.rejected_token_hash == published.access_token_hash;
  const bool is_valid = published.has_token() && freshness(published, now) != Freshness::expired;
  if (is_valid && !is_refused && aim.force == Force::no) return std::nullopt;
  return ExchangeFailure{.kind = FailureKind::busy,
                         .message = "this host follows the fleet, and has no newer token",
                         .hint = "oci-oauth fleet status"};
}

// A command is not asked before its token is due. A refresher looks at the fleet's store each time, so that
// it recognises a store that was turned back.
bool has_same_login(const Profile& profile, const Published& published) {
  if (profile.in_fleet) return false;
  return profile.source || (published.login_is_visible && login_is_unchanged(profile.credentials, published));
}

// The owner's observation counts only if root can check it as well; root does not look where it might hang.
bool is_visible(const ExchangeReport& report, const std::string& path) {
  struct stat status;
  return report.login->is_on_local_storage && ::stat(path.c_str(), &status) == 0;
}

bool has_content(const FileAt& file, const Secret& content, mode_t mode) {
  auto old = read_file(file, delivered_limit, Links::refused);
  struct stat status;
  return old && Secret(std::move(*old)) == content &&
         ::fstatat(file.directory, file.path.c_str(), &status, 0) == 0 && (status.st_mode & 07777) == mode;
}

// Unchanged content is not written again, so that no watcher wakes without reason. A token that is known to
// be a new one is not compared.
Result<void> publish_files(const FileAt& share, const LoginSnapshot& login, mode_t mode, bool is_new) {
  for (const auto& [name, content] : login.files) {
    const bool may_be_there = !is_new || name != token_file;
    if (may_be_there &&
        has_content({share.directory, name, fmt::format("{}/{}", share.shown, name)}, content, mode))
      continue;
    TRY(replace_file(share.directory, name, share.shown, content.reveal(), {mode, std::nullopt, ""}));
  }
  return {};
}

Result<FileLock> lock_profile(const RuntimeDir& runtime, const std::string& profile) {
  return FileLock::acquire(runtime.lock_file(profile), LockMode::exclusive,
                           std::chrono::steady_clock::now() + wait_for_other_refresh);
}

// What its owner cannot read: a client's secret that only root can read, and the published token.
Result<void> add_secrets(ExchangeRequest& request, const RuntimeDir& runtime) {
  const Profile& profile = request.profile;
  TRY(check_complete(profile, request.provider));
  const std::string& file =
      profile.client_secret_file.empty() ? request.provider.client_secret_file : profile.client_secret_file;
  if (!file.empty()) {
    const auto owner = TRY(owner_of(profile));
    request.client_secret = TRY(read_client_secret(file, owner.uid));
  }
  if (!profile.source && !request.provider.fields.access_token.empty()) return {};
  if (auto token = runtime.token(profile.name)) request.published_token = std::move(*token);
  return {};
}

bool needs_login(const ExchangeReport& report, const std::string& path) {
  if (!report.failure) return false;
  struct stat status;
  const bool is_missing = !report.login && ::stat(path.c_str(), &status) != 0 && errno == ENOENT;
  return is_missing || report.failure->kind == FailureKind::login_required;
}

Result<ExchangeReport> ask(const Refresher& refresher, const Profile& profile, ProfileRecords& known,
                           const RefreshAim& aim) {
  auto request = TRY(exchange_request(refresher, profile));
  static_cast<RefreshAim&>(request) = aim;
  known.published.shadowed_by = request.provider.shadowed_by;
  request.known = known;
  const bool is_ours = !profile.in_fleet && can_log_in(profile, request.provider);
  auto report = TRY(refresher.exchange(refresher.exchanger, std::move(request)));
  if (is_ours && needs_login(report, profile.credentials))
    report.failure->hint = fmt::format("oci-oauth login {}", profile.name);
  // A fleet's login is not the file.
  if (report.login)
    report.login->is_on_local_storage = !profile.in_fleet && is_visible(report, profile.credentials);
  return report;
}

ExchangeReport exchange(const Refresher& refresher, const Profile& profile, ProfileRecords& known,
                        const RefreshAim& aim) {
  auto report = ask(refresher, profile, known, aim);
  return report ? std::move(*report) : report_without_exchange(report.error());
}

// What this host remembers of a profile. Result: whether all of it could be read.
Result<bool> remember(const RuntimeDir& runtime, const std::string& profile, ProfileRecords& known) {
  auto published = TRY(runtime.published(profile));
  auto history = TRY(runtime.history(profile));
  if (published) known.published = std::move(*published);
  if (history) known.history = std::move(*history);
  return published && history;
}

void note(ProfileRecords& known, const ExchangeReport& report, const Profile& profile,
          const RefreshOptions& options, const Moment& moment) {
  if (report.login) note_login(known, report, profile, moment.time);
  if (report.fleet) note_arrival(known.history, *report.fleet, moment.time);
  // A run that sent no request has learned nothing about the endpoint.
  if (options.aim.endpoint == Endpoint::asked || report.failure) {
    note_attempt(known, report, moment);
  } else if (options.follows != nullptr) {
    note_attempt_of(known, report, *options.follows);
  }
}

}  // namespace

Result<ExchangeRequest> exchange_request(const Refresher& refresher, const Profile& profile) {
  ExchangeRequest request;
  request.profile = profile;
  request.provider = TRY(load_provider(profile, refresher.provider_directories));
  TRY(add_secrets(request, refresher.runtime));
  if (profile.in_fleet && refresher.fleet != nullptr) request.fleet = TRY(fleet_access(*refresher.fleet));
  return request;
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
  const RuntimeDir& runtime = refresher.runtime;
  auto share = TRY(runtime.share(profile.name));
  if (!options.lock) options.lock.emplace(TRY(lock_profile(runtime, profile.name)));
  const RefreshMark mark(options.lock->fd());
  RefreshOutcome outcome;
  ProfileRecords& known = outcome.known;
  const auto deliver = [&] {
    outcome.deliveries_failed =
        deliver_to_containers(runtime, profile.name, share.get(), known.published.login);
  };
  bool is_whole = false;
  ExchangeReport report;
  if (options.obtained) {
    report = std::move(options.obtained->report);
    if (report.login) report.login->is_on_local_storage = false;
  } else {
    is_whole = TRY(remember(runtime, profile.name, known));
    const Time time = refresher.clock();
    const bool is_at_rest = is_whole && options.follows == nullptr &&
                            is_settled(known.published, options.aim, time) &&
                            has_same_login(profile, known.published);
    if (is_at_rest || only_follows(refresher, profile)) {
      deliver();  // a container may have lost what it had
      if (!is_at_rest) outcome.failure = unfollowed(known.published, options.aim, time);
      return outcome;
    }
    report = exchange(refresher, profile, known, options.aim);
  }
  if (report.login)
    TRY(publish_files({share.get(), ".", runtime.share_path(profile.name)}, *report.login, profile.mode,
                      options.obtained.has_value()));
  // What another host obtained does not wait for what this one remembers, and neither do others that have a
  // token to publish and share the processors.
  if (options.obtained) {
    if (report.login) ::sched_yield();
    is_whole = TRY(remember(runtime, profile.name, known));
    known.published.shadowed_by = std::move(options.obtained->shadowed_by);
  }
  note(known, report, profile, options, {refresher.clock(), refresher.chance()});
  static_cast<ExchangeOutcome&>(outcome) = report;
  if (!is_whole) {
    for (const Error& damage : runtime.damage_of(profile.name))
      outcome.notices.push_back(damage.message + ", so it is replaced");
  }
  deliver();
  // Last, because until it exists the next run repeats all of this.
  TRY(runtime.publish(profile.name, known));
  return outcome;
}

}  // namespace oci_oauth
