// SPDX-License-Identifier: Apache-2.0
#include "exchange/recovery.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

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

Result<Recovery> complete(LoginStore& store, LoginLocks& locks, const CredentialFields& fields,
                          const JournalEntry& entry) {
  const bool saves = entry.grant || !entry.new_text.empty();
  const auto saving = saves ? locks.take_for_saving() : std::nullopt;
  TRY(mend_document(store, entry));
  auto document = TRY(store.read(fields));
  Recovery recovery;
  recovery.journal_is_needed = saves && !saving;
  const Secret& refresh_token = document.login().refresh_token;
  if (fingerprint(refresh_token) != entry.refresh_token_hash) {
    // A document without a refresh token may be a login in a newer format than we can read.
    recovery.journal_is_needed = recovery.journal_is_needed || (entry.grant && refresh_token.empty());
    return recovery;
  }
  const std::string name = short_fingerprint(entry.refresh_token_hash);
  if (!entry.grant) {
    recovery.interrupted = entry.began_at;
    recovery.notices.push_back(fmt::format(
        "a refresh of token {} began at {} and its answer never arrived: if the login is now refused, a "
        "person must log in again",
        name, rfc3339(entry.began_at)));
    return recovery;
  }
  if (is_complete(document.login(), *entry.grant)) return recovery;
  TRY(store.replace(document.with(*entry.grant, fields)));
  recovery.notices.push_back(fmt::format("completed the refresh of token {} that was interrupted at {}", name,
                                         rfc3339(entry.began_at)));
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
Result<void> discard_outdated(const LoginStore& store, const LoginLocks& locks, Journal& journal) {
  const auto others = TRY(journal.others());
  if (others.empty()) return {};
  const auto content = TRY(store.read());
  const auto document = TRY(parse_json(content.text.reveal(), store.shown()));
  for (const auto& [entry, notes] : others) {
    if (has_text(document, notes.refresh_token_hash)) continue;
    locks.tidy_up_saving(notes.locks);
    locks.tidy_up_rest(notes.locks);
    TRY(journal.discard(entry));
  }
  return {};
}

}  // namespace

Result<Recovery> recover(LoginStore& store, LoginLocks& locks, const CredentialFields& fields) {
  Journal& journal = store.journal();
  const auto entry = TRY(journal.replay());
  if (!entry) return Recovery{};
  if (entry->rotation) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: contains a refresh of the fleet's login, which is not complete", journal.shown()),
        "set \"fleet\" in the profile again, then oci-oauth refresh"};
  }
  locks.tidy_up_saving(entry->locks);
  auto recovery = complete(store, locks, fields, *entry);
  // Only now, because another program that waits for them must not see the old refresh token.
  locks.tidy_up_rest(entry->locks);
  if (!recovery || recovery->journal_is_needed) return recovery;
  TRY(discard_outdated(store, locks, journal));
  TRY(journal.clear());
  return recovery;
}

}  // namespace oci_oauth
