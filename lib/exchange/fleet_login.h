// SPDX-License-Identifier: Apache-2.0
// A login in a fleet's store: no lock keeps other hosts away, so that the store decides who sends the refresh
// token (fleet/step.h). The document on this host is a copy without it, for programs that run here.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "exchange/credential_document.h"
#include "exchange/fleet_record.h"
#include "exchange/login_store.h"
#include "exchange/stored_login.h"
#include "fleet/memory.h"
#include "fleet/seal.h"
#include "fleet/step.h"
#include "fleet/store.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// The login in the text of a host's own document; nullopt: it has no refresh token, or is not a document,
// which nobody can use.
std::optional<LocalLogin> local_login(Secret text, const CredentialFields& fields);

class FleetLogin : public StoredLogin {
 public:
  FleetLogin(LoginTools& tools, const FleetOpener& opener) : StoredLogin(tools), opener_(opener) {}

  Result<CredentialDocument> open() override;
  Decision decide(const CredentialDocument& login) override;
  Result<CredentialDocument> lock() override { return record_->document(); }
  Result<void> begin(const Rotation& rotation) override;
  Result<void> may_send(const CredentialDocument& login) override;
  Settled settle(const Rotation& rotation) override;
  void describe(const CredentialDocument& login) override;

  // The rest is for the tasks of a person. Opens the store and reads the journal. Result: the locks that an
  // earlier run left behind. Failure: as FleetRecord::open(), or the journal is of the document's own
  // refresh.
  Result<std::vector<DirectoryIdentity>> connect();
  // Looks at the record, and finishes what this host has begun, puts back what the store has lost, and waits
  // for a host that is refreshing; the token is due only if the endpoint is asked. Result: what is left:
  // nothing, adopt, claim or stop. Failure: as FleetRecord::read() and the journal's, or this host is to
  // stop.
  Result<Move> look(Endpoint endpoint);
  FleetRecord& record() { return *record_; }
  // Moves the login of the host's own document into the store, as `next` says, which is joining, and leaves
  // its access-only form, under the locks of a refresh; the next look makes it live. Failure: nothing was
  // moved, or the next look goes on with it.
  Result<void> move_in(LoginRecord next);

 private:
  Result<CredentialDocument> find();
  Result<Sight> sight(Endpoint endpoint);
  Result<std::optional<LocalLogin>> read_local() const;
  bool is_wanted(const CredentialDocument& login);
  Result<void> commit(LoginRecord next);
  Result<void> forget(const std::string& why);
  Result<void> claim();
  bool is_sent() const { return note_ && note_->progress == RotationStage::sent; }
  Result<void> rest(const ExchangeFailure& failure);
  std::optional<FileStamp> keep_access_only(const CredentialDocument& document);

  const FleetOpener& opener_;
  std::optional<FleetRecord> record_;
  std::optional<RotationNote> note_;  // as the journal has it
  std::optional<Grant> grant_;        // an answer, which the journal already has if that is possible
  Move move_;                         // what is left to do about the login
  std::string before_;                // the hash of the refresh token that was there first
  bool has_begun_ = false;            // and was not beaten by another host
  bool is_beaten_ = false;
};

// What a person does with a fleet's login: its keys, moving it into the store and back, sealing it anew. All
// tasks but a takeover, which is a refresh.
ExchangeReport do_fleet_task(const ExchangeRequest& request, const std::function<bool()>& stop,
                             const FleetOpener& opener);

}  // namespace oci_oauth
