// SPDX-License-Identifier: Apache-2.0
// A login that is in a fleet's store: what a refresher does about it (fleet/step.h), one step after the
// other, until nothing is left to do but to send the refresh token, to wait, or to tell a person.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "exchange/credential_document.h"
#include "exchange/login_store.h"
#include "fleet/memory.h"
#include "fleet/seal.h"
#include "fleet/step.h"
#include "fleet/store.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// The store, with what this host opens there.
struct FleetClient {
  std::optional<MemoryFile> ca, token;  // the store's client reads them by path
  std::unique_ptr<RecordStore> store;
  FleetKeys keys;

  // Failure (configuration): a file of keys is not one; temporary: out of memory.
  static Result<FleetClient> open(const FleetAccess& fleet);
  // What the store has of that login, as far as this host can open it. Failure: `status` has what was found
  // before.
  Result<void> look(const std::string& profile, FleetStatus& status);
};

// The login in a host's own document; nullopt: it has no refresh token.
std::optional<LocalLogin> local_login(const CredentialDocument& document);

// What a record says of itself.
void describe_to(FleetStatus& status, const LoginRecord& login);

// As FleetClient::open(); tests have their own store.
using FleetOpener = std::function<Result<FleetClient>(const FleetAccess&)>;

class FleetLogin {
 public:
  // All arguments must outlive it. Failure: a key, a certificate or
  // this host's memory cannot be read.
  static Result<FleetLogin> open(const ExchangeRequest& request, LoginStore& local,
                                 const std::function<bool()>& stop, std::vector<std::string>& notices,
                                 const FleetOpener& opener);

  // Looks at the record, and finishes what this host has begun, puts back what the store has lost, and waits
  // for a host that is refreshing. `is_wanted`: whether the token is due. Result: what is left: nothing,
  // adopt, claim or stop. Failure: the store cannot be reached, or what it has is not a record.
  Result<Move> look(const std::function<bool(const CredentialDocument&)>& is_wanted, Force force);

  // nullptr: the store has none. After a look.
  const LoginRecord* record() const { return record_ ? &*record_ : nullptr; }
  // Whether the token is, or was when this host last looked, the fleet's own.
  bool has_had(const std::string& refresh_token_hash) const {
    return refresh_token_hash == had_ || (record_ && refresh_token_hash == record_->refresh_token_hash);
  }
  // Of the newest login that this host knows of; 0: none.
  std::uint64_t newest_ordinal() const;
  // The record's, which there is. Failure: it cannot be parsed.
  Result<CredentialDocument> document() const;

  // The first step of a claim; nothing is sent yet. Failure: the journal cannot be written, or this host's
  // clock is wrong.
  Result<void> begin(const Move& claim);
  // While the connection to the token endpoint is open: the intent is in the store, and this host's journal
  // says that the token is sent. Failure: it must not be sent.
  Result<void> may_send();
  // What an earlier run left behind beside the local document.
  const std::vector<DirectoryIdentity>& left_locks() const { return left_locks_; }
  bool is_sent() const { return note_ && note_->progress == RotationStage::sent; }
  const RotationNote* note() const { return note_ ? &*note_ : nullptr; }
  // The answer, which the journal already has if that is possible.
  void note_grant(const Grant& grant);
  // A refusal, with the time until which the fleet rests; nullopt: it is for good.
  Result<void> note_refusal(std::optional<FleetRest> rest, const std::string& why);

  // Tells followers the access token, if the store does not have it yet. Result: whether it was written.
  Result<bool> publish(const LoginSnapshot& snapshot);

  // Writes the record over what was seen last. Result: false: it has changed, or nobody knows: look again.
  Result<bool> write(LoginRecord next);
  // Reads the record, and remembers it.
  Result<void> read();
  // The record is this host's own doing, so it need not be watched.
  Result<void> trust();
  // The access token's record, with the newest keys.
  Result<void> seal_access_anew();
  std::string sealing_key() const { return key_id(client_.keys.login.front().reveal()); }

 private:
  FleetLogin(const ExchangeRequest& request, LoginStore& local, const std::function<bool()>& stop,
             std::vector<std::string>& notices)
      : request_(request), local_(local), stop_(stop), notices_(notices) {}

  Result<void> remember();
  Result<void> commit(LoginRecord next);
  Result<void> forget(const std::string& why);
  Result<void> wait_for_other();
  Result<Sight> sight(const std::function<bool(const CredentialDocument&)>& is_wanted, Force force);
  Result<void> check_clock();
  Result<std::optional<LocalLogin>> read_local() const;

  const ExchangeRequest& request_;
  LoginStore& local_;
  const std::function<bool()>& stop_;
  std::vector<std::string>& notices_;
  FleetClient client_;
  FleetMemory memory_;
  std::optional<Stored> stored_;
  std::optional<LoginRecord> record_, remembered_;
  std::string had_;  // the hash of the refresh token that this host remembers from its last look
  std::optional<RotationNote> note_;
  std::optional<Grant> grant_;
  std::vector<DirectoryIdentity> left_locks_;
  std::optional<LoginRecord> claim_;  // to be written when the connection is open
};

}  // namespace oci_oauth
