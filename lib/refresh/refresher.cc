// SPDX-License-Identifier: Apache-2.0
#include "refresh/refresher.h"

#include <sched.h>

#include "base/file.h"
#include "base/fmt.h"
#include "config/trusted_file.h"
#include "refresh/deliveries.h"
#include "token/policy.h"

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
  if (now < published.expires_at && !is_refused && aim.force == Force::no) return std::nullopt;
  return ExchangeFailure{.kind = FailureKind::busy,
                         .message = "this host follows the fleet, and has no newer token",
                         .hint = "oci-oauth fleet status"};
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
Result<void> publish_files(int share, const std::string& shown, const LoginSnapshot& login, mode_t mode,
                           bool is_new) {
  for (const auto& [name, content] : login.files) {
    const bool may_be_there = !is_new || name != token_file;
    if (may_be_there && has_content({share, name, fmt::format("{}/{}", shown, name)}, content, mode))
      continue;
    TRY(replace_file(share, name, shown, content.reveal(), {mode}));
  }
  return {};
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

Result<FileLock> lock_profile(const Refresher& refresher, const Profile& profile) {
  return refresher.runtime.lock(profile.name, std::chrono::steady_clock::now() + wait_for_other_refresh);
}

Result<ExchangeReport> ask(const Refresher& refresher, const Profile& profile, ProfileRecords& known,
                           const RefreshAim& aim) {
  auto request = TRY(exchange_request(refresher, profile));
  static_cast<RefreshAim&>(request) = aim;
  known.published.shadowed_by = request.provider.shadowed_by;
  request.known = known;
  auto report = TRY(refresher.exchange(refresher.exchanger, std::move(request)));
  // A fleet's login is not the file.
  if (report.login)
    report.login->is_on_local_storage = !profile.in_fleet && is_visible(report, profile.credentials);
  return report;
}

void note(ProfileRecords& known, const ExchangeReport& report, const Profile& profile,
          const RefreshOptions& options, const Moment& moment) {
  note_login(known, report, moment.time);
  // A run that sent no request has learned nothing about the endpoint.
  if (options.aim.endpoint == Endpoint::asked || report.failure) {
    note_attempt(known, report, moment);
  } else if (options.follows != nullptr) {
    note_attempt_of(known, report, *options.follows);
  }
  note_due(known, report, profile.refresh_before, moment.time);
}

// Delivers what is published, because a container may also have lost what it had, and then writes the
// records: until they are there, the next run repeats all of this. `attempt`: nullptr if nothing was
// attempted, so that there is nothing to record.
Result<RefreshOutcome> finish(const Refresher& refresher, const Profile& profile, int share,
                              KnownProfile known, ExchangeReport report, const RefreshOptions* attempt) {
  const Time end = refresher.clock();
  const FileStamp login = report.login ? report.login->stamp : known.records.published.login;
  auto failures = deliver_to_containers(refresher.runtime, profile.name, share, login);
  if (attempt != nullptr) {
    note(known.records, report, profile, *attempt, {end, refresher.chance()});
    for (const Error& damage : known.damage) report.notices.push_back(damage.message + ", so it is replaced");
    TRY(refresher.runtime.publish(profile.name, known.records));
  }
  return RefreshOutcome{{std::move(report)}, std::move(known.records), std::move(failures)};
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
  if (!options.lock) options.lock.emplace(TRY(lock_profile(refresher, profile)));
  const RefreshMark mark(options.lock->fd());
  auto known = TRY(runtime.known(profile.name));
  const auto share = TRY(runtime.share(profile.name));
  const Time time = refresher.clock();
  const bool follows_fleet = only_follows(refresher, profile);
  const bool is_at_rest = follows_fleet || (known.is_whole && options.follows == nullptr &&
                                            is_settled(profile, known.records.published, options.aim, time));
  ExchangeReport report;
  if (follows_fleet) report.failure = unfollowed(known.records.published, options.aim, time);
  if (!is_at_rest) {
    auto asked = ask(refresher, profile, known.records, options.aim);
    report = asked ? std::move(*asked) : report_without_exchange(asked.error());
    const std::string shown = runtime.share_path(profile.name);
    if (report.login) TRY(publish_files(share.get(), shown, *report.login, profile.mode, false));
  }
  return finish(refresher, profile, share.get(), std::move(known), std::move(report),
                is_at_rest ? nullptr : &options);
}

Result<RefreshOutcome> publish_obtained(const Refresher& refresher, const Profile& profile,
                                        ExchangeReport report, const std::vector<std::string>& shadowed_by) {
  const RuntimeDir& runtime = refresher.runtime;
  const auto lock = TRY(lock_profile(refresher, profile));
  const RefreshMark mark(lock.fd());
  const auto share = TRY(runtime.share(profile.name));
  // What another host obtained does not wait for what this one remembers, and neither do others that have a
  // token to publish and share the processors.
  if (report.login) {
    report.login->is_on_local_storage = false;
    const std::string shown = runtime.share_path(profile.name);
    TRY(publish_files(share.get(), shown, *report.login, profile.mode, true));
    ::sched_yield();
  }
  auto known = TRY(runtime.known(profile.name));
  known.records.published.shadowed_by = shadowed_by;
  const RefreshOptions as_asked;
  return finish(refresher, profile, share.get(), std::move(known), std::move(report), &as_asked);
}

}  // namespace oci_oauth
