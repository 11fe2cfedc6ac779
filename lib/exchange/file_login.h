// SPDX-License-Identifier: Apache-2.0
// A login in a file that its owner's other programs use as well: it is read again under their locks, and what
// they wrote meanwhile is never overwritten. An interrupted refresh is completed: a received answer is never
// discarded, and a missing one is reported.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exchange/stored_login.h"

namespace oci_oauth {

std::unique_ptr<StoredLogin> login_in_file(const LoginTools& tools);

struct Recovery {
  std::vector<std::string> notices;
  std::optional<Time> interrupted;  // an earlier refresh of this refresh token began then, and never ended
  bool journal_is_needed = false;   // it contains an answer that the document cannot take yet
};

// Replays the journal: stores its answer in the document, removes locks that were left behind, and clears the
// journal unless it is still needed. Failure: the document cannot be read, parsed or replaced; the journal
// then stays as it is.
Result<Recovery> recover(LoginStore& store, LoginLocks& locks, const CredentialFields& fields);

}  // namespace oci_oauth
