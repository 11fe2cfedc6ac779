// SPDX-License-Identifier: Apache-2.0
// A run of `oci-oauth refresh`: each login by itself, so that a hanging endpoint does not delay the others;
// then removes what is left of containers and profiles that are gone.
#pragma once

#include <string>
#include <vector>

#include "program/exit_code.h"
#include "program/log.h"
#include "refresh/instance.h"

namespace oci_oauth {

struct RefreshRun {
  const Instance& instance;
  const Log& log;
  std::vector<const Profile*> profiles;
  RefreshAim aim = {};
  int lock_fd = -1;                  // of one profile, held for us by the hook
  std::string exchange_socket = {};  // empty: exchanges are children
};

// Logs what a person should know. Failure: the outcome's own.
Result<void> report_notices(const Log& log, std::string_view context, const ExchangeOutcome& outcome);

// Result: the worst exit code of any of the profiles; what came of each is in the log. A run ends after
// longest_run, whatever its logins do.
ExitCode run_refresh(const RefreshRun& run);

// Takes over a profile's lock that the hook holds and passes on: descriptor `fd`, which must be open on the
// lock of this very profile. Failure (usage): it is not.
Result<FileLock> inherited_lock(const RuntimeDir& runtime, const std::string& profile, int fd);

}  // namespace oci_oauth
