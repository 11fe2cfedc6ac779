// SPDX-License-Identifier: Apache-2.0
// Runs a program of the person's choice with a secret, for a bounded time: in a session of its own, with a
// clean environment and no descriptor of ours. What it prints is never shown with the secret in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

// The last argument is visible to every user of the host: only for programs that know no other way.
enum class PassSecret { on_stdin, as_last_argument };

struct Program {
  std::vector<std::string> command;           // command[0] is an absolute path
  std::vector<std::string> environment = {};  // "NAME=value", beside PATH
  PassSecret pass = PassSecret::on_stdin;
  Milliseconds timeout = std::chrono::seconds(30);
};

// How it ended, and the end of what it printed.
struct ProgramEnd {
  enum class How { exited, killed, too_late, interrupted } how = How::exited;
  int number = 0;  // the exit status, or the signal that killed it
  Secret output;   // at most 4 KiB
};

// Runs it in "/" with the caller's ids and waits for it to end; then, and when the time is over, its whole
// process group is killed. SIGTERM, SIGINT and SIGHUP to the caller kill it as well, and then do to the
// caller what they do. Failure: "cannot be started: reason".
Result<ProgramEnd> run_to_end(const Program& program, const Secret& secret);

// The same, where anything but exit status 0 is a failure: "exit status 3: LAST LINE OF ITS OUTPUT", "killed
// by signal 9", "still running after 30 s".
Result<void> run_program(const Program& program, const Secret& secret);

// The last line of `output` that is not blank, fit for a log: printable ASCII, at most 200 characters,
// without words that have 8 characters in a row from `secret` or are longer than 64 characters.
std::string showable_tail(std::string_view output, const Secret& secret);

}  // namespace oci_oauth
