// SPDX-License-Identifier: Apache-2.0
#include "exchange/shared_login.h"

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/due.h"
#include "exchange/fleet_task.h"

namespace oci_oauth {

namespace {

// Whoever logs in holds its locks for as long as it writes.
constexpr auto wait_for_client = std::chrono::seconds(20);

}  // namespace

Result<CredentialDocument> SharedLogin::open() {
  fleet_.emplace(
      TRY(FleetLogin::open(tools_.request, tools_.store, tools_.stop, tools_.report.notices, opener_)));
  tools_.locks.tidy_up_saving(fleet_->left_locks());
  // A client that refreshes the login before it has moved is told from its document.
  tools_.locks.tidy_up_rest(fleet_->left_locks());
  return look();
}

// Finishes what can be finished, and reads the login as it is then.
Result<CredentialDocument> SharedLogin::look() {
  const ExchangeRequest& request = tools_.request;
  const auto wanted = [this](const CredentialDocument& login) { return is_wanted(login); };
  move_ = TRY(fleet_->look(wanted, request.force));
  if (move_.act == Act::adopt) {
    TRY(tools_.locks.take(std::chrono::steady_clock::now() + wait_for_client));
    const auto moved =
        move_in(*fleet_, tools_.store, request.provider, std::move(*move_.record), tools_.report.notices);
    tools_.locks.give_back();
    TRY(moved);
    before_.clear();  // a forced request is the new login's
    tools_.report.failure.reset();
    move_ = TRY(fleet_->look(wanted, request.force));
  }
  if (fleet_->record() == nullptr || fleet_->record()->state == LoginState::moved)
    return Error{ErrorKind::action_required, move_.why, move_.hint};
  return fleet_->document();
}

// One request is enough, and a token that another host obtained meanwhile as well.
bool SharedLogin::is_wanted(const CredentialDocument& login) {
  const ExchangeRequest& request = tools_.request;
  const Secret& refresh_token = login.login().refresh_token;
  if (request.endpoint == Endpoint::left_alone || refresh_token.empty() || has_begun_) return false;
  const std::string hash = fingerprint(refresh_token);
  if (before_.empty()) before_ = hash;
  return (request.force == Force::yes && hash == before_) || is_due(request, login.login(), now());
}

Decision SharedLogin::decide(const CredentialDocument&) {
  Decision decision = {.is_wanted = move_.act == Act::claim};
  if (move_.act == Act::stop)
    decision.failure = {
        .kind = move_.kind, .message = move_.why, .hint = move_.hint, .retry_after = move_.retry_after};
  return decision;
}

Result<void> SharedLogin::begin(const Rotation&) {
  TRY(fleet_->begin(move_));
  has_begun_ = true;
  return {};
}

Result<void> SharedLogin::may_send(const CredentialDocument&) {
  auto may = fleet_->may_send();
  is_beaten_ = !may;
  return may;
}

// What the request left: an answer, a refusal, or an intent that was not used. What an earlier run sent is
// not refused because nothing was sent by this one.
Settled SharedLogin::settle(const Rotation& rotation) {
  auto& failure = tools_.report.failure;
  if (rotation.grant) {
    fleet_->note_grant(*rotation.grant);
  } else if (has_begun_ && fleet_->is_sent() && failure &&
             rule_of(failure->kind).refresh_token == RefreshToken::unspent && !rest(*failure)) {
    tell("this host could not note the refusal");
  }
  if (is_beaten_) has_begun_ = false;  // the winner's token is waited for
  auto login = look();
  if (!login) return {std::nullopt, std::move(login).error()};
  // Another host was quicker, and has refreshed it.
  if (is_beaten_ && move_.act == Act::nothing) failure.reset();
  return {std::move(*login)};
}

// The whole fleet learns what a refusal means.
Result<void> SharedLogin::rest(const ExchangeFailure& failure) {
  const auto& before = fleet_->record()->rest;
  const unsigned failures = before ? before->failures + 1 : 1;
  std::optional<FleetRest> rest;
  if (failure.kind != FailureKind::login_required) {
    const Milliseconds pause = rest_after({.kind = failure.kind,
                                           .failures = failures,
                                           .retry_after = failure.retry_after,
                                           .token_left = fleet_->record()->expires_at - now()});
    rest = FleetRest{now() + pause, failure.kind, failures, failure.message};
  }
  return fleet_->note_refusal(std::move(rest), failure.message);
}

void SharedLogin::describe(const CredentialDocument& login) {
  if (fleet_->record() == nullptr) return;  // what the store has since is not one
  ExchangeReport& report = tools_.report;
  const auto kept =
      keep_access_only(tools_.store, tools_.locks, *fleet_, login, tools_.request.provider, report.notices);
  if (fleet_->note() == nullptr) {
    if (auto cleared = tools_.store.journal().clear(); !cleared) tell(cleared.error().message);
  }
  describe_to(report.fleet.emplace(), *fleet_->record());
  if (!report.login) return;
  if (kept) report.login->stamp = *kept;
  if (auto told = fleet_->publish(*report.login); !told)
    tell(fmt::format("the fleet does not have the access token yet: {}", told.error().message));
}

}  // namespace oci_oauth
