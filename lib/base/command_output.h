// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end, within a time limit, so that it cannot hang its caller and nothing in its
// process group outlives it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/size.h"
#include "base/spawn.h"
#include "base/time.h"

namespace oci_oauth {

struct ProgramRun {
  std::vector<std::string> command;  // as spawn() has it
  SpawnOptions options;              // but for the output
  Milliseconds bound;
  size_t kept_output;           // the end of each stream
  bool has_one_output = false;  // errors go to the output as well
};

struct ProgramOutcome {
  enum class How { exited, killed, too_late, interrupted } how = How::exited;
  int number = 0;  // the exit status, or the signal that killed it
  Secret out, err;
};

// Waits for the program's end or the time limit, and then kills its process group. SIGTERM, SIGINT and SIGHUP
// to the caller kill the group too, and then have their usual effect on the caller. Failure: as spawn().
Result<ProgramOutcome> run_to_end(const ProgramRun& run);

struct CommandOutput {
  int status = 0;        // exit status; 128 + N after signal N
  std::string out, err;  // the last 256 KiB of each
};

// The same with the caller's environment, and with nothing open but `kept`. Failure: it cannot be started
// ("PROGRAM: reason", not_found if there is none), or was still running at the time limit (temporary).
Result<CommandOutput> run_command(const std::vector<std::string>& command, Milliseconds bound,
                                  std::vector<int> kept = {});

}  // namespace oci_oauth
