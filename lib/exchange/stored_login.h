// SPDX-License-Identifier: Apache-2.0
// A login, where it is stored and by the rules of that place: in a file of this host, or in a fleet's store
// (fleet_login.h). Both have a document on this host, and beside it the journal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exchange/credential_document.h"
#include "exchange/login_locks.h"
#include "exchange/login_store.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// What a login works with: the document on this host, and the locks of its programs. What is passed outlives
// it.
struct LoginTools {
  LoginTools(const ExchangeRequest& asked, const std::function<bool()>& is_to_stop, ExchangeReport& made,
             LoginStore opened)
      : request(asked),
        stop(is_to_stop),
        report(made),
        store(std::move(opened)),
        locks(request.provider, store, stop, report.notices) {}
  LoginTools(const LoginTools&) = delete;
  LoginTools& operator=(const LoginTools&) = delete;

  void tell(std::string what) { report.notices.push_back(std::move(what)); }
  Result<CredentialDocument> read() const { return store.read(request.provider.fields); }
  // What cannot be discarded stays for the next run.
  void clear_journal() {
    if (auto cleared = store.journal().clear(); !cleared) tell(cleared.error().message);
  }

  const ExchangeRequest& request;
  const std::function<bool()>& stop;  // true ends a wait
  ExchangeReport& report;             // gets notices, and loses a failure that does not count any more
  LoginStore store;
  LoginLocks locks;
};

// Whether a request is to be sent.
struct Decision {
  bool is_wanted = false;
  std::optional<ExchangeFailure> failure = {};  // why none is sent, although one is wanted
  std::optional<Time> interrupted = {};         // as in Recovery
};

// One use of a refresh token.
struct Rotation {
  std::string token_hash = {};  // of the refresh token
  Time began_at = {};
  std::optional<Grant> grant = {};  // what the answer granted
  bool is_noted = false;            // the journal contains the grant
  bool is_refused = false;          // by the server
};

struct Settled {
  std::optional<CredentialDocument> document = {};  // the login as it is then; nullopt: as before
  Result<void> done = {};
};

class StoredLogin {
 public:
  explicit StoredLogin(LoginTools& tools) : tools_(tools) {}
  virtual ~StoredLogin() = default;

  // Finishes what an earlier run began, and reads the login. Failure: it cannot be read.
  virtual Result<CredentialDocument> open() = 0;
  virtual Decision decide(const CredentialDocument& login) = 0;
  // Keeps this host's other programs away if they could use the login, and reads it again.
  virtual Result<CredentialDocument> lock() = 0;
  // Durable before anything is sent. Failure: nothing may be sent.
  virtual Result<void> begin(const Rotation& rotation) = 0;
  // While the connection to the token endpoint is open. Failure: why nothing may be sent.
  virtual Result<void> may_send(const CredentialDocument& login) = 0;
  // About once a second until the answer has arrived.
  virtual void wait() {}
  // Stores what was granted, or notes why nothing was (the report's failure), and unlocks. After lock(),
  // whatever came of it and of the request.
  virtual Settled settle(const Rotation& rotation) = 0;
  // Adds to the report what is known where the login is stored; a fleet learns its access token.
  virtual void describe(const CredentialDocument& login) = 0;

 protected:
  LoginTools& tools_;
};

// In a file that its owner's other programs use as well: it is read again under their locks, and what they
// wrote meanwhile is never overwritten.
std::unique_ptr<StoredLogin> login_in_file(LoginTools& tools);

// What an interrupted refresh left: a received answer is never discarded, and a missing one is reported.
struct Recovery {
  // An earlier refresh of this refresh token began then, and never ended.
  std::optional<Time> interrupted = {};
  bool journal_is_needed = false;  // it contains an answer that the document cannot take yet
};

// Replays the journal of a login in a file: stores its answer in the document, removes locks that were left
// behind, and clears the journal unless it is still needed. Failure: the document cannot be read, parsed or
// replaced; the journal then stays as it is.
Result<Recovery> recover(LoginTools& tools);

}  // namespace oci_oauth
