// SPDX-License-Identifier: Apache-2.0
// Starts programs that inherit only what they are given, or runs them to their end, within a time limit, so
// that they cannot hang their caller and nothing in their process group outlives them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

// For our programs and the system's; and for those that a person names, which may be in /usr/local.
constexpr const char* system_path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* login_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What execve(2) takes (and does not change): a pointer to each of the words, and a null pointer.
std::vector<char*> pointers_to(const std::vector<std::string>& words);

struct SpawnOptions {
  std::optional<std::vector<std::string>> environment = {};  // "NAME=value"; nullopt: the caller's
  const char* directory = nullptr;                           // nullptr: the caller's
  int input = -1, output = -1, errors = -1;                  // -1: /dev/null
  std::vector<int> kept = {};                                // stay open under their own numbers
};

// posix_spawn(3) with default signals, as the leader of a session and so of a process group. `command[0]` is
// looked up in PATH if it has no slash. Failure: "PROGRAM: reason"; not_found if there is no such program.
Result<Child> spawn(const std::vector<std::string>& command, const SpawnOptions& options);

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
