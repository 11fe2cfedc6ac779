// SPDX-License-Identifier: Apache-2.0
// Makes a profile's token as fresh as hook_wait allows. The hook requests a refresh on refresh.sock, where
// systemd starts `oci-oauth serve`, or else from `oci-oauth refresh`, which the first hook starts while all
// others sleep on its lock. It never performs the exchange itself, because a runtime may kill it at any
// moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "hook/creation.h"
#include "token/records.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// A valid token is published.
struct Fresh {
  std::optional<Error> trouble;          // why there is no newer one
  std::vector<std::string> shadowed_by;  // variables that a client uses instead of the token
};

// Requests a refresh if one is needed, and waits for it if the token has expired or the login has changed.
// Failure: no valid token is published, and why.
Result<Fresh> freshen(const Creation& creation, const Profile& profile);

enum class LoginChange { unchanged, changed };  // since the token was published
// What the state of a token requires.
enum class Need {
  nothing,  // the token is fresh, or a refresh would have the same result
  refresh,  // it is valid, and due
  wait      // there may be a valid one after a refresh
};
Need need_of(const std::optional<Published>& published, LoginChange login, Time time);

// Judged by the token that is there at `time`, whatever the refresh did that was `asked` for. Failure: as
// freshen().
Result<Fresh> judge(const std::optional<Published>& published, Result<void> asked, Time time);

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
