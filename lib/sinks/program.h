// SPDX-License-Identifier: Apache-2.0
// Runs a program of the person's choice with a secret, for a limited time: in its own session, with a clean
// environment and none of our descriptors. Its output is never shown with the secret in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

// The last argument is visible to every user of the host: only for programs that need it there.
enum class PassSecret { on_stdin, as_last_argument };

struct Program {
  std::vector<std::string> command;           // command[0] is an absolute path
  std::vector<std::string> environment = {};  // "NAME=value", besides PATH
  PassSecret pass = PassSecret::on_stdin;
  Milliseconds timeout = std::chrono::seconds(30);
};

// How it ended, and the end of its output.
struct ProgramEnd {
  enum class How { exited, killed, too_late, interrupted } how = How::exited;
  int number = 0;  // the exit status, or the signal that killed it
  Secret output;   // at most 4 KiB
};

// Runs it in "/" with the caller's ids and waits for it to end. Then, or at the time limit, its whole process
// group is killed. SIGTERM, SIGINT and SIGHUP to the caller kill it too, and then have their usual effect on
// the caller. Failure: "cannot be started: reason".
Result<ProgramEnd> run_to_end(const Program& program, const Secret& secret);

// The same, but any exit status except 0 is a failure: "exit status 3: LAST LINE OF ITS OUTPUT", "killed by
// signal 9", "still running after 30 s".
Result<void> run_program(const Program& program, const Secret& secret);

// The last line of `output` that is not blank, safe for a log: printable ASCII, at most 200 characters,
// without words that share 8 consecutive characters with `secret` or are longer than 64 characters.
std::string showable_tail(std::string_view output, const Secret& secret);

}  // namespace oci_oauth
