// SPDX-License-Identifier: Apache-2.0
// A login in a file that its owner's other programs use as well: it is read again under their locks, and what
// they wrote meanwhile is never overwritten.
#pragma once

#include "exchange/stored_login.h"

namespace oci_oauth {

class FileLogin : public StoredLogin {
 public:
  explicit FileLogin(const LoginTools& tools) : tools_(tools) {}

  Result<CredentialDocument> open() override;
  Decision decide(const CredentialDocument& login) override;
  Result<CredentialDocument> lock() override;
  Result<void> begin(const Rotation& rotation) override;
  Result<void> may_send(const CredentialDocument& login) override;
  void wait() override;
  Settled settle(const Rotation& rotation) override;
  void describe(const CredentialDocument& login) override;

 private:
  Result<CredentialDocument> read() const { return tools_.store.read(tools_.request.provider.fields); }
  Settled store(const Rotation& rotation);
  Settled refuse(const Rotation& rotation);
  Error kept_in_journal(const Rotation& rotation, Error error);
  void tell(std::string what) { tools_.report.notices.push_back(std::move(what)); }

  LoginTools tools_;
  std::optional<Time> interrupted_;
  bool journal_is_needed_ = false;  // by the next run
};

}  // namespace oci_oauth
