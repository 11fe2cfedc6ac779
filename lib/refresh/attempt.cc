// SPDX-License-Identifier: Apache-2.0
#include "refresh/attempt.h"

#include <sys/random.h>

#include <algorithm>

#include "token/policy.h"

namespace oci_oauth {

namespace {

// A command is not asked before its token is due. A refresher looks at the fleet's store each time, so that
// it recognises a store that was turned back.
bool has_same_login(const Profile& profile, const Published& published) {
  if (profile.in_fleet) return false;
  return profile.source || (published.login_is_visible && login_is_unchanged(profile.credentials, published));
}

void set_dead(ProfileRecords& known, const std::string& request_hash) {
  known.history.dead_request_hash = request_hash;
  known.published.is_dead = !request_hash.empty();
}

void note_failure(ProfileRecords& known, const ExchangeFailure& failure, const Moment& moment) {
  auto& [published, history] = known;
  const Time time = moment.time;
  // What is already known is not another failure, and no reason for a longer pause.
  if (!failure.is_known || !published.last_error)
    published.last_error = LastError{failure.kind, failure.message, failure.hint, time};
  if (failure.is_known) return;
  if (failure.kind == FailureKind::login_required) set_dead(known, failure.request_hash);
  ++history.failures;
  ++history.outcomes[std::string(word(failure.kind))];
  const Milliseconds rest = rest_after({.kind = failure.kind,
                                        .failures = history.failures,
                                        .retry_after = failure.retry_after,
                                        .token_left = published.expires_at - time,
                                        .jitter = moment.jitter});
  // A failure does not shorten a pause that the server asked for earlier.
  published.not_before = std::max(published.rests(time) ? published.not_before : Time{}, time + rest);
  history.failed_request_hash = failure.request_hash;
}

void note_arrival(RefreshHistory& history, const FleetStatus& seen, Time time) {
  FleetArrival arrival = {.login = seen.login,
                          .generation = seen.generation,
                          .obtained_at = seen.obtained_at.value_or(time),
                          .arrived_at = time,
                          .refreshing = seen.refreshing,
                          .is_refresher = !seen.state.empty()};
  if (history.fleet) arrival.is_refresher |= history.fleet->is_refresher;
  if (history.fleet && history.fleet->is_same(arrival)) arrival.arrived_at = history.fleet->arrived_at;
  history.fleet = std::move(arrival);
}

void end_rest(ProfileRecords& known) {
  known.published.not_before = Time{};
  known.history.failures = 0;
  known.history.failed_request_hash.clear();
}

}  // namespace

double random_fraction() {
  std::uint32_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) return 0.5;
  return bits / 0x1p32;
}

bool is_settled(const Profile& profile, const Published& published, const RefreshAim& aim, Time now) {
  if (aim.force == Force::yes || !has_same_login(profile, published)) return false;
  if (!aim.rejected_token_hash.empty() && aim.rejected_token_hash == published.access_token_hash)
    return false;
  return published.has_token() && !published.last_error && freshness(published, now) == Freshness::fresh &&
         published.expires_at - now >= aim.min_ttl;
}

ExchangeReport report_without_exchange(const Error& error) {
  ExchangeReport report;
  const FailureKind kind = error.kind == ErrorKind::temporary       ? FailureKind::unknown
                           : error.kind == ErrorKind::configuration ? FailureKind::configuration
                                                                    : FailureKind::login;
  report.failure = {.kind = kind, .message = error.message, .hint = error.hint};
  return report;
}

void note_login(ProfileRecords& known, const ExchangeReport& report, Time time) {
  auto& [published, history] = known;
  if (report.fleet) note_arrival(history, *report.fleet, time);
  if (!report.login) return;
  const LoginSnapshot& login = *report.login;
  published.login = login.stamp;
  published.login_is_visible = login.is_on_local_storage;
  if (login.request_hash != history.dead_request_hash) set_dead(known, "");
  if (login.request_hash != history.failed_request_hash) end_rest(known);
  if (report.refreshed) history.token_life = login.expires_at - time;
  if (login.access_token_hash != published.access_token_hash) {
    published.access_token_hash = login.access_token_hash;
    published.obtained_at = time;
    end_rest(known);  // the endpoint answers
  }
  published.expires_at = login.expires_at;
  history.login_expires_at = login.login_expires_at;
}

void note_attempt(ProfileRecords& known, const ExchangeReport& report, const Moment& moment) {
  known.published.attempted_at = moment.time;
  ++known.published.attempts;
  if (report.refreshed) {
    known.history.refreshed_at = moment.time;
    ++known.history.outcomes["refreshed"];
  }
  if (report.failure) {
    note_failure(known, *report.failure, moment);
  } else {
    known.published.last_error.reset();
  }
}

void note_attempt_of(ProfileRecords& known, const ExchangeReport& report, const ProfileRecords& other) {
  auto& [published, history] = known;
  const std::string request = report.login ? report.login->request_hash : "";
  const bool is_same = other.published.last_error
                           ? other.history.failed_request_hash == request
                           : other.published.access_token_hash == published.access_token_hash;
  if (!is_same) return;
  published.attempted_at = other.published.attempted_at;
  ++published.attempts;
  published.last_error = other.published.last_error;
  published.not_before = other.published.not_before;
  set_dead(known, other.history.dead_request_hash);
  history.failures = other.history.failures;
  history.failed_request_hash = other.history.failed_request_hash;
  history.refreshed_at = other.history.refreshed_at;
  history.token_life = other.history.token_life;
}

void note_due(ProfileRecords& known, const ExchangeReport& report, Milliseconds refresh_before, Time time) {
  if (!report.login) return;
  const LoginSnapshot& login = *report.login;
  const Milliseconds life = life_of_token(known.history.token_life, login.expires_at, time);
  // A token that cannot be refreshed needs nothing until it expires.
  known.published.due_at =
      login.can_be_refreshed ? due_at(login.expires_at, life, refresh_before) : login.expires_at;
}

}  // namespace oci_oauth
