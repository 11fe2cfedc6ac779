// SPDX-License-Identifier: Apache-2.0
// How the hook asks for a refresh: at refresh.sock, where systemd starts `oci-oauth serve`; where nobody
// listens, of a detached `oci-oauth refresh`, started by whichever hook comes first, while all others sleep
// on its lock. The hook itself never does the exchange, because a runtime may kill it at any moment.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct RefreshRequest {
  const RuntimeDir& runtime;
  std::string profile;
  std::string config;  // absolute path, handed to oci-oauth
  Time since;  // when the caller looked and found no fresh token: a refresh that ended later is what it wants
};

// Starts a refresh unless one is under way; does not wait. Failure: the program cannot be started.
Result<void> start_refresh(const RefreshRequest& request);

// Returns when a refresh that ended after `since` is through. Failure: temporary where `deadline` passed
// first.
Result<void> wait_for_refresh(const RefreshRequest& request, SteadyTime deadline);

}  // namespace oci_oauth
