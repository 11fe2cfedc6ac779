// SPDX-License-Identifier: Apache-2.0
// How the hook asks for a refresh: at refresh.sock, where systemd starts `oci-oauth serve`; where nobody
// listens, of an `oci-oauth refresh` of its own, started by whichever hook comes first, while all others
// sleep on its lock. The hook itself never does the exchange, because a runtime may kill it at any moment.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct RefreshRequest {
  const RuntimeDir& runtime;
  std::string profile;
  std::string config;      // absolute path, handed to oci-oauth
  int container;           // its first process, a pidfd
  std::uint64_t attempts;  // Published::attempts when the caller looked; 0 where nothing was published
};

// Starts a refresh unless one is under way; does not wait. Failure: the program cannot be started.
Result<void> start_refresh(const RefreshRequest& request);

// Returns when a refresh that ended after the caller's look is through. Failure: temporary where `deadline`
// passed first.
Result<void> wait_for_refresh(const RefreshRequest& request, SteadyTime deadline);

}  // namespace oci_oauth
