// SPDX-License-Identifier: Apache-2.0
// What the verbs of oci-oauth share: how they are run and how they report.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "config/config.h"
#include "config/scope.h"
#include "program/exit_code.h"
#include "program/log.h"
#include "refresh/refresh_run.h"
#include "report/terminal.h"
#include "worker/worker.h"

namespace oci_oauth {

struct Invocation {
  const Log& log;
  std::string_view verb;
  std::string config;  // --config; empty: $OCI_OAUTH_CONFIG, or else the default path
  Arguments arguments;
};

// The verbs, each in a file of its name; login also has logout, refresh has sinks, and service the rest.
Result<ExitCode> demo(const Invocation& invocation);
Result<ExitCode> exchange(const Invocation& invocation);
Result<ExitCode> fleet(const Invocation& invocation);
Result<ExitCode> install(const Invocation& invocation);
Result<ExitCode> login(const Invocation& invocation);
Result<ExitCode> logout(const Invocation& invocation);
Result<ExitCode> refresh(const Invocation& invocation);
Result<ExitCode> status(const Invocation& invocation);
Result<ExitCode> token(const Invocation& invocation);
Result<ExitCode> setup(const Invocation& invocation);
Result<ExitCode> serve(const Invocation& invocation);
Result<ExitCode> sinks(const Invocation& invocation);
Result<ExitCode> units(const Invocation& invocation);
Result<ExitCode> uninstall(const Invocation& invocation);
Result<ExitCode> doctor(const Invocation& invocation);

// Shows what takes long, unless --quiet is given.
Progress progress_of(const Invocation& invocation);

// A run of refreshes, then the sinks and the metrics.
ExitCode refresh_and_deliver(const RefreshRun& run);

// Writes the metrics file if one is configured; a failure is only a warning.
void update_metrics(const Log& log, const Config& config);

// What a fleet's store has of a login, and this host of it; changes nothing. Result: if the store could not
// be asked, with the failure and what is known without it. Failure: the configuration or a file that it
// names.
Result<ExchangeReport> look_at_fleet(const InstalledPrograms& programs, const Config& config,
                                     const Profile& profile);

// Data for stdout; a full disk or a closed pipe is reported.
ExitCode print(const Log& log, std::string_view text);

// The one profile that the operands name. Failure (usage): "VERB: no profile 'x' in PATH".
Result<const Profile*> find_one_profile(const Invocation& invocation, const Config& config);

// The profiles with these names, or all if there is none. Failure (usage): the same.
Result<std::vector<const Profile*>> find_profiles(const Invocation& invocation, const Config& config,
                                                  std::span<const std::string> names);

}  // namespace oci_oauth
