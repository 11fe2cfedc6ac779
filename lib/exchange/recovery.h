// SPDX-License-Identifier: Apache-2.0
// Completes what an earlier refresh could not: what it received is never thrown away, and what it never
// received is told.
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
  bool journal_is_needed = false;   // it holds an answer that the document cannot take yet
};

// Replays the journal: the document gets the answer that it holds, locks that were left behind go, and the
// journal is cleared unless it is needed. Failure: the document cannot be read, understood or replaced; the
// journal then stays as it is. `deadline` is for a journal that an older version holds.
Result<Recovery> recover(LoginStore& store, LoginLocks& locks, const CredentialFields& fields,
                         SteadyTime deadline);

}  // namespace oci_oauth
