// SPDX-License-Identifier: Apache-2.0
#include "refresh/attempt.h"

#include <algorithm>

#include "token/policy.h"

namespace oci_oauth {

namespace {

void note_failure(Published& published, const ExchangeFailure& failure, const Moment& moment) {
  const Time time = moment.time;
  // What is already known is not another failure, and no reason for a longer pause.
  if (failure.is_known) {
    if (!published.last_error)
      published.last_error = LastError{failure.kind, failure.message, failure.hint, time};
    return;
  }
  published.last_error = LastError{failure.kind, failure.message, failure.hint, time};
  if (failure.kind == FailureKind::login_required) published.dead_request_hash = failure.request_hash;
  ++published.failures;
  ++published.outcomes[std::string(word(failure.kind))];
  const Milliseconds rest = rest_after({.kind = failure.kind,
                                        .failures = published.failures,
                                        .retry_after = failure.retry_after,
                                        .token_left = published.expires_at - time,
                                        .jitter = moment.jitter});
  // A failure does not shorten a pause that the server asked for earlier.
  published.not_before = std::max(published.rests(time) ? published.not_before : Time{}, time + rest);
  published.failed_request_hash = failure.request_hash;
}

void end_rest(Published& published) {
  published.failures = 0;
  published.not_before = Time{};
  published.failed_request_hash.clear();
}

}  // namespace

void note_login(Published& published, const ExchangeReport& report, const Profile& profile, Time time) {
  const LoginSnapshot& login = *report.login;
  published.login = login.stamp;
  published.login_is_visible = login.is_on_local_storage;
  if (login.request_hash != published.dead_request_hash) published.dead_request_hash.clear();
  if (login.request_hash != published.failed_request_hash) end_rest(published);
  if (report.refreshed) published.token_life = login.expires_at - time;
  if (login.access_token_hash != published.access_token_hash) {
    published.access_token_hash = login.access_token_hash;
    published.obtained_at = time;
    end_rest(published);  // the endpoint answers
  }
  published.expires_at = login.expires_at;
  // A token that cannot be refreshed needs nothing until it expires.
  published.due_at =
      login.can_be_refreshed
          ? due_at(login.expires_at, life_of_token(published, login.expires_at, time), profile.refresh_before)
          : login.expires_at;
  published.login_expires_at = login.login_expires_at;
}

void note_attempt(Published& published, const ExchangeReport& report, const Moment& moment) {
  published.attempted_at = moment.time;
  ++published.attempts;
  if (report.refreshed) {
    published.refreshed_at = moment.time;
    ++published.outcomes["refreshed"];
  }
  if (report.failure) {
    note_failure(published, *report.failure, moment);
  } else {
    published.last_error.reset();
  }
}

void note_attempt_of(Published& published, const ExchangeReport& report, const Published& other) {
  const std::string request = report.login ? report.login->request_hash : "";
  const bool is_same = other.last_error ? other.failed_request_hash == request
                                        : other.access_token_hash == published.access_token_hash;
  if (!is_same) return;
  published.attempted_at = other.attempted_at;
  ++published.attempts;
  published.last_error = other.last_error;
  published.failures = other.failures;
  published.not_before = other.not_before;
  published.failed_request_hash = other.failed_request_hash;
  published.dead_request_hash = other.dead_request_hash;
  published.refreshed_at = other.refreshed_at;
  published.token_life = other.token_life;
}

}  // namespace oci_oauth
