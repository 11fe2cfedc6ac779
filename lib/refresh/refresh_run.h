// SPDX-License-Identifier: Apache-2.0
// What a command works with, and a run of `oci-oauth refresh`: each login by itself, so that a hanging
// endpoint does not delay the others; then removes what is left of containers and profiles that are gone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/wait.h"
#include "config/config.h"
#include "program/exit_code.h"
#include "program/installed_programs.h"
#include "program/log.h"
#include "refresh/refresher.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// The programs that are installed, a configuration and its runtime directory.
struct Instance {
  InstalledPrograms programs;
  Config config;
  RuntimeDir runtime;

  // `config`: as open_configuration() takes it. Failure: one of the three cannot be opened.
  static Result<Instance> open(const std::string& config);

  // Its exchanges are child processes, or are requested on `exchange_socket`. The instance must outlive it.
  Refresher refresher(const std::string& exchange_socket = "") const;
};

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

// Runs jobs that may hang at once, each in its own process. SIGTERM, SIGINT and SIGHUP are passed on to them.
// Result: what each returned, 0 to
// 255; nullopt if it did not end by itself.
std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience);

}  // namespace oci_oauth
