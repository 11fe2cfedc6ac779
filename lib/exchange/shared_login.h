// SPDX-License-Identifier: Apache-2.0
// A login in a fleet's store: no lock keeps other hosts away, so that the store decides who sends the refresh
// token. The document on this host is a copy without it, for programs that run here.
#pragma once

#include "exchange/fleet_login.h"
#include "exchange/stored_login.h"

namespace oci_oauth {

class SharedLogin : public StoredLogin {
 public:
  SharedLogin(const LoginTools& tools, const FleetOpener& opener) : tools_(tools), opener_(opener) {}

  Result<CredentialDocument> open() override;
  Decision decide(const CredentialDocument& login) override;
  Result<CredentialDocument> lock() override { return fleet_->document(); }
  Result<void> begin(const Rotation& rotation) override;
  Result<void> may_send(const CredentialDocument& login) override;
  void wait() override {}
  Settled settle(const Rotation& rotation) override;
  void describe(const CredentialDocument& login) override;

 private:
  Result<CredentialDocument> look();
  bool is_wanted(const CredentialDocument& login);
  Result<void> rest(const ExchangeFailure& failure);
  void tell(std::string what) { tools_.report.notices.push_back(std::move(what)); }

  LoginTools tools_;
  const FleetOpener& opener_;
  std::optional<FleetLogin> fleet_;
  Move move_;               // what is left to do about it
  std::string before_;      // the hash of the refresh token that was there first
  bool has_begun_ = false;  // and was not beaten by another host
  bool is_beaten_ = false;
};

}  // namespace oci_oauth
