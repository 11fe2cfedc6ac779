// SPDX-License-Identifier: Apache-2.0
#include "exchange/file_login.h"

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/due.h"
#include "exchange/recovery.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr auto wait_for_foreign_locks = std::chrono::seconds(20);

}  // namespace

Result<CredentialDocument> FileLogin::open() {
  if (!tools_.store.journal().is_empty()) {
    const auto recovery = TRY(recover(tools_.store, tools_.locks, tools_.request.provider.fields));
    for (const std::string& notice : recovery.notices) tell(notice);
    interrupted_ = recovery.interrupted;
    journal_is_needed_ = recovery.journal_is_needed;
  }
  return read();
}

Decision FileLogin::decide(const CredentialDocument& login) {
  const ExchangeRequest& request = tools_.request;
  const bool is_possible =
      request.endpoint == Endpoint::asked && !journal_is_needed_ && !login.login().refresh_token.empty();
  if (!is_possible || (request.force == Force::no && !is_due(request, login.login(), now()))) return {};
  return {true,
          known_failure(request, request_hash(request, login.login()), tools_.store.shown(),
                        tools_.report.notices, now()),
          interrupted_};
}

Result<CredentialDocument> FileLogin::lock() {
  TRY(tools_.locks.take(steady_clock::now() + wait_for_foreign_locks));
  return read();
}

Result<void> FileLogin::begin(const Rotation& rotation) {
  return tools_.store.journal().note_request(rotation.token_hash, rotation.began_at);
}

// A suspended host or a slow connection may have cost us the locks.
Result<void> FileLogin::may_send(const CredentialDocument& login) {
  TRY(tools_.locks.touch(steady_clock::now()));
  return tools_.store.check_unchanged(login.stamp());
}

void FileLogin::wait() {
  (void)tools_.locks.keep_alive(steady_clock::now());
}

Settled FileLogin::settle(const Rotation& rotation) {
  Settled settled = rotation.grant ? store(rotation) : refuse(rotation);
  // The journal names the locks, so they are released first.
  tools_.locks.give_back();
  if (journal_is_needed_) return settled;
  if (auto cleared = tools_.store.journal().clear(); !cleared) tell(cleared.error().message);
  return settled;
}

Settled FileLogin::store(const Rotation& rotation) {
  const auto saving = tools_.locks.take_for_saving();
  journal_is_needed_ = !saving;
  auto read = this->read();
  if (!read) return {std::nullopt, kept_in_journal(rotation, read.error())};
  Settled settled = {std::move(*read)};
  CredentialDocument& login = *settled.document;
  const Secret& refresh_token = login.login().refresh_token;
  if (fingerprint(refresh_token) == rotation.token_hash) {
    const Secret before = login.text().copy();
    const Secret after = login.with(*rotation.grant, tools_.request.provider.fields);
    if (before == after) return settled;  // the token has no place there, and the refresh token is the same
    auto stamp = tools_.store.replace(after);
    if (stamp) {
      login.set_stamp(*stamp);
    } else {
      settled.done = kept_in_journal(rotation, std::move(stamp).error());
    }
  } else if (!refresh_token.empty()) {
    tell("another program wrote a newer login in the meantime; keeping it");
  } else {
    // A login that a person removed, or that another program wrote in a format that we cannot read, is not
    // overwritten.
    settled.done = kept_in_journal(
        rotation, {ErrorKind::failed,
                   fmt::format("{}: another program removed the refresh token", tools_.store.shown())});
  }
  return settled;
}

Error FileLogin::kept_in_journal(const Rotation& rotation, Error error) {
  journal_is_needed_ = rotation.is_noted;
  if (journal_is_needed_)
    error.hint = fmt::format("the new login is kept in {}; the next run tries to complete it",
                             tools_.store.journal().shown());
  return error;
}

// The fence stays if the token may be spent, and the next run reports it. invalid_grant says nothing about a
// refresh token that another program has stored in the meantime.
Settled FileLogin::refuse(const Rotation& rotation) {
  auto& failure = tools_.report.failure;
  if (!failure) return {};
  journal_is_needed_ = rule_of(failure->kind).refresh_token == RefreshToken::maybe_spent;
  if (!rotation.is_refused || failure->kind != FailureKind::login_required) return {};
  auto login = read();
  if (!login) return {};
  if (fingerprint(login->login().refresh_token) != rotation.token_hash) {
    tell("another program refreshed the login in the meantime; using its token");
    failure.reset();
  }
  return {std::move(*login)};
}

void FileLogin::describe(const CredentialDocument& login) {
  if (tools_.report.login) tools_.report.login->stamp = login.stamp();
}

}  // namespace oci_oauth
