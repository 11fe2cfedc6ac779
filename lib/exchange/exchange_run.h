// SPDX-License-Identifier: Apache-2.0
// One exchange, from the open journal to the report: of a login in a file (exchange.cc), or in a fleet's
// store (exchange_fleet.cc).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/size.h"
#include "exchange/credential_document.h"
#include "exchange/exchange_failure.h"
#include "exchange/fleet_login.h"
#include "exchange/login_locks.h"
#include "exchange/login_store.h"
#include "exchange/server_metadata.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// Beyond the size of the document that is there.
constexpr size_t room_for_longer_tokens = 64 * KiB;

class Exchange {
 public:
  Exchange(const ExchangeRequest& request, const std::function<bool()>& stop, const FleetOpener& opener)
      : request_(request), stop_(stop), opener_(opener) {}
  ExchangeReport run();

 private:
  Result<void> open_and_recover();
  Result<void> open_fleet();
  Result<void> look();
  void run_in_fleet();
  bool is_wanted(const CredentialDocument& document);
  void settle_in_fleet();
  bool rest_in_fleet(const ExchangeFailure& failure);
  Result<void> read_login();
  void complete_login();
  Result<void> add_client();
  bool is_due() const;
  std::string request_hash() const;
  bool may_send();
  void refresh();
  bool find_endpoint();
  Result<void> check_refreshable(const TokenRequest& request) const;
  void send();
  RequestResult post(const TokenRequest& request);
  bool is_still_ours();
  void keep_grant(const Arrival& arrival);
  void store();
  void keep_in_journal(Error error);
  void refuse(const TokenAnswer& answer);
  void unanswered(const RequestFailure& failure);
  void give_up(ExchangeFailure failure);
  bool refused_token_is_current();
  void check_unrefreshable();
  void take_snapshot();
  void fail(ExchangeFailure failure);
  void fail(const Error& error) { fail(failure_of(error)); }

  const ExchangeRequest& request_;
  const std::function<bool()>& stop_;
  const FleetOpener& opener_;
  ExchangeReport report_;
  std::optional<LoginStore> store_;
  std::optional<LoginLocks> locks_;
  std::optional<FleetLogin> fleet_;  // the document is there
  std::optional<Move> move_;         // what is left to do about it
  std::string before_;               // the hash of the refresh token that was there first
  std::optional<CredentialDocument> document_;
  FileStamp stamp_;      // of the file that document_ was read from, or written to
  Result<void> client_;  // whether the client_file could be read
  ServerMetadata server_;
  std::string sent_hash_;
  Time began_at_;                      // when it was sent
  std::optional<Error> why_not_sent_;  // something changed at the last moment
  std::optional<Time> interrupted_;    // an earlier refresh of this refresh token began then, and never ended
  std::optional<Grant> grant_;         // what the answer granted
  Result<void> grant_noted_;           // whether the journal contains it
  bool journal_is_needed_ = false;     // by the next run
};

}  // namespace oci_oauth
