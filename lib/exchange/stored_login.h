// SPDX-License-Identifier: Apache-2.0
// A login, where it is stored and by the rules of that place: in a file of this host (file_login.h), or in a
// fleet's store (fleet_login.h). Both have a document on this host, and beside it the journal.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "exchange/credential_document.h"
#include "exchange/login_locks.h"
#include "exchange/login_store.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// What a login works with; all of it outlives the login.
struct LoginTools {
  const ExchangeRequest& request;
  const std::function<bool()>& stop;  // true ends a wait
  LoginStore& store;                  // the document on this host
  LoginLocks& locks;                  // of its programs
  ExchangeReport& report;             // gets notices, and loses a failure that does not count any more

  void tell(std::string what) const { report.notices.push_back(std::move(what)); }
  // What cannot be discarded stays for the next run.
  void clear_journal() const {
    if (auto cleared = store.journal().clear(); !cleared) tell(cleared.error().message);
  }
};

// Whether a request is to be sent.
struct Decision {
  bool is_wanted = false;
  std::optional<ExchangeFailure> failure = {};  // why none is sent, although one is wanted
  std::optional<Time> interrupted =
      {};  // an earlier refresh of this refresh token began then, and never ended
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
  explicit StoredLogin(const LoginTools& tools) : tools_(tools) {}
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
  const LoginTools tools_;
};

}  // namespace oci_oauth
