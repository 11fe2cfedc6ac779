// SPDX-License-Identifier: Apache-2.0
// A login in a file (stored_login.h), and how its interrupted refresh is completed.
#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/json.h"
#include "exchange/exchange_rules.h"
#include "exchange/stored_login.h"

namespace oci_oauth {

namespace {

class FileLogin : public StoredLogin {
 public:
  using StoredLogin::StoredLogin;

  Result<CredentialDocument> open() override;
  Decision decide(const CredentialDocument& login) override;
  Result<CredentialDocument> lock() override;
  Result<void> begin(const Rotation& rotation) override;
  Result<void> may_send(const CredentialDocument& login) override;
  void wait() override { (void)tools_.locks.keep_alive(); }
  Settled settle(const Rotation& rotation) override;
  void describe(const CredentialDocument& login) override;

 private:
  Settled store(const Rotation& rotation);
  Settled refuse(const Rotation& rotation);
  Error kept_in_journal(const Rotation& rotation, Error error);

  std::optional<Time> interrupted_;
  bool journal_is_needed_ = false;  // by the next run
};

Result<CredentialDocument> FileLogin::open() {
  const auto recovery = TRY(recover(tools_));
  interrupted_ = recovery.interrupted;
  journal_is_needed_ = recovery.journal_is_needed;
  return tools_.read();
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
  TRY(tools_.locks.take());
  return tools_.read();
}

Result<void> FileLogin::begin(const Rotation& rotation) {
  return tools_.store.journal().note_request(rotation.token_hash, rotation.began_at);
}

// A suspended host or a slow connection may have cost us the locks.
Result<void> FileLogin::may_send(const CredentialDocument& login) {
  TRY(tools_.locks.touch());
  return tools_.store.check_unchanged(login.stamp());
}

Settled FileLogin::settle(const Rotation& rotation) {
  Settled settled = rotation.grant ? store(rotation) : refuse(rotation);
  // The journal names the locks, so they are released first.
  tools_.locks.give_back();
  if (!journal_is_needed_) tools_.clear_journal();
  return settled;
}

Settled FileLogin::store(const Rotation& rotation) {
  const auto saving = tools_.locks.take_for_saving();
  journal_is_needed_ = !saving;
  auto read = tools_.read();
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
    tools_.tell("another program wrote a newer login in the meantime; keeping it");
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
  auto login = tools_.read();
  if (!login) return {};
  if (fingerprint(login->login().refresh_token) != rotation.token_hash) {
    tools_.tell("another program refreshed the login in the meantime; using its token");
    failure.reset();
  }
  return {std::move(*login)};
}

void FileLogin::describe(const CredentialDocument& login) {
  if (tools_.report.login) tools_.report.login->stamp = login.stamp();
}

// An interrupted rewriting in place.
Result<void> mend_document(LoginStore& store, const JournalEntry& entry) {
  const auto content = TRY(store.read());
  if (!is_torn(content.text.reveal(), entry.old_text.reveal(), entry.new_text.reveal())) return {};
  TRY(store.replace(entry.new_text));
  return {};
}

// If a server does not rotate, the refresh token does not help: a journal that a power failure restored must
// not replace a newer access token by an older one.
bool is_complete(const Login& login, const Grant& grant) {
  const bool rotated = !grant.refresh_token.empty() && !(grant.refresh_token == login.refresh_token);
  return !rotated && !login.access_token.empty() && expiry_of(login) >= grant.expires_at;
}

Result<Recovery> complete(LoginTools& tools, const JournalEntry& entry) {
  const bool saves = entry.grant || !entry.new_text.empty();
  const auto saving = saves ? tools.locks.take_for_saving() : std::nullopt;
  TRY(mend_document(tools.store, entry));
  auto document = TRY(tools.read());
  Recovery recovery = {.journal_is_needed = saves && !saving};
  const Secret& refresh_token = document.login().refresh_token;
  const std::string name = short_fingerprint(entry.refresh_token_hash), began = rfc3339(entry.began_at);
  if (fingerprint(refresh_token) != entry.refresh_token_hash) {
    // A document without a refresh token may be a login in a newer format than we can read.
    recovery.journal_is_needed = recovery.journal_is_needed || (entry.grant && refresh_token.empty());
  } else if (!entry.grant) {
    recovery.interrupted = entry.began_at;
    tools.tell(fmt::format(
        "a refresh of token {} began at {} and its answer never arrived: if the login is now refused, a "
        "person must log in again",
        name, began));
  } else if (!is_complete(document.login(), *entry.grant)) {
    TRY(tools.store.replace(document.with(*entry.grant, tools.request.provider.fields)));
    tools.tell(fmt::format("completed the refresh of token {} that was interrupted at {}", name, began));
  }
  return recovery;
}

// Somewhere in the value is a text with this fingerprint. The depth is bounded, because parse_json made it.
bool has_text(const JsonValue& value, const std::string& hash) {
  if (value.IsString()) return fingerprint(json_text(value)) == hash;
  const auto has = [&](const auto& one) { return has_text(one, hash); };
  if (value.IsArray()) return std::ranges::any_of(value.GetArray(), has);
  return value.IsObject() &&
         std::ranges::any_of(value.GetObject(), [&](const auto& member) { return has(member.value); });
}

// What another login recorded is outdated once the token that it sent is not in the document any more. Its
// own next run would discard it, but its profile may be gone.
Result<void> discard_outdated(LoginTools& tools) {
  Journal& journal = tools.store.journal();
  const auto others = TRY(journal.others());
  if (others.empty()) return {};
  const auto content = TRY(tools.store.read());
  const auto document = TRY(parse_json(content.text.reveal(), tools.store.shown()));
  for (const auto& [entry, notes] : others) {
    if (has_text(document, notes.refresh_token_hash)) continue;
    tools.locks.tidy_up(notes.locks, LoginLocks::Use::saving);
    tools.locks.tidy_up(notes.locks, LoginLocks::Use::refresh);
    TRY(journal.discard(entry));
  }
  return {};
}

}  // namespace

Result<Recovery> recover(LoginTools& tools) {
  Journal& journal = tools.store.journal();
  const auto entry = TRY(journal.replay());
  if (!entry) return Recovery{};
  if (entry->rotation) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: contains a refresh of the fleet's login, which is not complete", journal.shown()),
        "set \"fleet\" in the profile again, then oci-oauth refresh"};
  }
  tools.locks.tidy_up(entry->locks, LoginLocks::Use::saving);
  auto recovery = complete(tools, *entry);
  // Only now, because another program that waits for them must not see the old refresh token.
  tools.locks.tidy_up(entry->locks, LoginLocks::Use::refresh);
  if (!recovery || recovery->journal_is_needed) return recovery;
  TRY(discard_outdated(tools));
  TRY(journal.clear());
  return recovery;
}

std::unique_ptr<StoredLogin> login_in_file(LoginTools& tools) {
  return std::make_unique<FileLogin>(tools);
}

}  // namespace oci_oauth
