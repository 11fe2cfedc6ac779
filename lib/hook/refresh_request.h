// SPDX-License-Identifier: Apache-2.0
// How the hook requests a refresh: on refresh.sock, where systemd starts `oci-oauth serve`, or else from
// `oci-oauth refresh`, which the first hook starts while all others sleep on its lock. The hook never
// performs the exchange itself, because a runtime may kill it at any moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct RefreshRequest {
  const RuntimeDir& runtime;
  std::string profile;
  std::string config;      // absolute path, passed to oci-oauth
  int container;           // its first process, a pidfd
  std::uint64_t attempts;  // Published::attempts when the caller looked; 0 if nothing was published
};

// Until when to wait for a refresh that `began` then: all hooks that wait for one wait no longer than the
// first of them, because a silent network is not worth another wait.
SteadyTime shared_deadline(SteadyTime deadline, std::optional<SteadyTime> began, SteadyTime now);

// Starts a refresh unless one is running; does not wait. Failure: the program cannot be started.
Result<void> start_refresh(const RefreshRequest& request);

// Returns when a refresh that ended after the caller's look is complete. Failure: temporary if `deadline`
// passes first.
Result<void> wait_for_refresh(const RefreshRequest& request, SteadyTime deadline);

}  // namespace oci_oauth
