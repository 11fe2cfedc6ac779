// SPDX-License-Identifier: Apache-2.0
// The record of a login in a fleet's store, as this host reads, writes and remembers it, and what followers
// read of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

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
};

// As FleetClient::open(); tests have their own store.
using FleetOpener = std::function<Result<FleetClient>(const FleetAccess&)>;

// What a record says of itself.
void describe_to(FleetStatus& status, const LoginRecord& login);

class FleetRecord {
 public:
  // The request and the document must outlive it. Failure: a key, a certificate or this host's memory cannot
  // be read.
  static Result<FleetRecord> open(const ExchangeRequest& request, const LoginStore& local,
                                  const FleetOpener& opener);

  // Reads the record, and remembers it. Failure: the store cannot be reached, or what it has is not a record.
  Result<void> read();
  // Writes the record over what was seen last. Result: false: it has changed, or nobody knows: look again.
  Result<bool> write(LoginRecord next);
  // The record is this host's own doing, so it need not be watched.
  Result<void> trust();
  // Returns when another host has changed it, or after a while.
  Result<void> wait_for_change();
  // Failure: this host's clock is not the store's.
  Result<void> check_clock();

  // nullptr: the store has none. After a read.
  const LoginRecord* get() const { return record_ ? &*record_ : nullptr; }
  // The record's, which there is. Failure: it cannot be parsed.
  Result<CredentialDocument> document() const;
  // What the record, the memory and the configuration say; the rest is left open.
  Sight sight() const;
  // Of the newest login that this host knows of; 0: none.
  std::uint64_t newest_ordinal() const;
  // Whether the token is, or was when this host last looked, the fleet's own.
  bool has_had(const std::string& refresh_token_hash) const {
    return refresh_token_hash == had_ || (record_ && refresh_token_hash == record_->refresh_token_hash);
  }
  Milliseconds time_since_boot() const { return boot_moment(request_.fleet->boot).time; }

  // Tells followers the access token of `report`, if the store does not have it yet.
  Result<void> publish(ExchangeReport& report);
  // The access token's record, with the newest keys.
  Result<void> seal_access_anew();
  std::string sealing_key() const { return key_id(client_.keys.login.front()); }

 private:
  FleetRecord(const ExchangeRequest& request, const LoginStore& local, FleetClient client, FleetMemory memory)
      : request_(request), local_(local), client_(std::move(client)), memory_(std::move(memory)) {}

  Result<void> remember();
  Result<void> save_memory() const;

  const ExchangeRequest& request_;
  const LoginStore& local_;
  FleetClient client_;
  FleetMemory memory_;
  std::optional<Stored> stored_;
  std::optional<LoginRecord> record_, remembered_;
  std::string had_;  // the hash of the refresh token that this host remembers from its last look
};

}  // namespace oci_oauth
