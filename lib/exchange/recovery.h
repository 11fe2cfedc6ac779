// SPDX-License-Identifier: Apache-2.0
// Completes an interrupted refresh: a received answer is never discarded, and a missing one is reported.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/provider.h"
#include "exchange/login_locks.h"
#include "exchange/login_store.h"

namespace oci_oauth {

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
