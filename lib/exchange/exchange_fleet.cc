// SPDX-License-Identifier: Apache-2.0
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/due.h"
#include "exchange/exchange_run.h"
#include "exchange/fleet_task.h"

namespace oci_oauth {

namespace {

// Whoever logs in holds its locks for as long as it writes.
constexpr auto wait_for_client = std::chrono::seconds(20);

}  // namespace

Result<void> Exchange::open_fleet() {
  fleet_.emplace(TRY(FleetLogin::open(request_, *store_, stop_, report_.notices, opener_)));
  locks_->tidy_up_saving(fleet_->left_locks());
  // A client that refreshes the login before it has moved is told from its document.
  locks_->tidy_up_rest(fleet_->left_locks());
  return look();
}

// Finishes what can be finished, and reads the login as it is then.
Result<void> Exchange::look() {
  const auto wanted = [this](const CredentialDocument& document) { return is_wanted(document); };
  move_ = TRY(fleet_->look(wanted, request_.force));
  if (move_->act == Act::adopt) {
    TRY(locks_->take(std::chrono::steady_clock::now() + wait_for_client));
    const auto moved =
        move_in(*fleet_, *store_, request_.provider, std::move(*move_->record), report_.notices);
    locks_->give_back();
    TRY(moved);
    before_.clear();  // a forced request is the new login's
    report_.failure.reset();
    move_ = TRY(fleet_->look(wanted, request_.force));
  }
  if (fleet_->record() == nullptr || fleet_->record()->state == LoginState::moved)
    return Error{ErrorKind::action_required, move_->why, move_->hint};
  return read_login();
}

// One request is enough, and a token that another host obtained meanwhile as well.
bool Exchange::is_wanted(const CredentialDocument& document) {
  const Login& login = document.login();
  if (request_.endpoint == Endpoint::left_alone || login.refresh_token.empty() || !sent_hash_.empty())
    return false;
  const std::string hash = fingerprint(login.refresh_token);
  if (before_.empty()) before_ = hash;
  return (request_.force == Force::yes && hash == before_) ||
         oci_oauth::is_due(request_, fingerprint(login.access_token), expiry_of(login), now());
}

void Exchange::run_in_fleet() {
  if (move_->act == Act::claim && find_endpoint()) {
    const size_t size = document_->text().reveal().size() + room_for_longer_tokens;
    auto begun = store_->prepare(size);
    if (begun) begun = fleet_->begin(*move_);
    if (begun) {
      send();
    } else {
      fail(begun.error());
    }
    settle_in_fleet();
  } else if (move_->act == Act::stop) {
    fail({move_->kind, move_->why, move_->hint, move_->retry_after});
  }
  if (document_->login().refresh_token.empty()) check_unrefreshable();
  if (auto kept = keep_access_only(*store_, *locks_, *fleet_, *document_, request_.provider, report_.notices))
    stamp_ = *kept;
  if (fleet_->note() == nullptr) {
    if (auto cleared = store_->journal().clear(); !cleared)
      report_.notices.push_back(cleared.error().message);
  }
  take_snapshot();
  describe_to(report_.fleet.emplace(), *fleet_->record());
  if (!report_.login) return;
  if (auto told = fleet_->publish(*report_.login); !told)
    report_.notices.push_back(
        fmt::format("the fleet does not have the access token yet: {}", told.error().message));
}

// What the request left: an answer, a refusal, or an intent that was not used.
void Exchange::settle_in_fleet() {
  if (why_not_sent_) sent_hash_.clear();  // the winner's token is waited for
  if (auto looked = look(); !looked) {
    if (!report_.failure) fail(looked.error());
    return;
  }
  // Another host was quicker, and has refreshed it.
  if (why_not_sent_ && move_->act == Act::nothing) report_.failure.reset();
}

// The whole fleet learns what a refusal means.
bool Exchange::rest_in_fleet(const ExchangeFailure& failure) {
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
  return fleet_->note_refusal(std::move(rest), failure.message).has_value();
}

}  // namespace oci_oauth
