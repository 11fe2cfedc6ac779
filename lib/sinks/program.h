// SPDX-License-Identifier: Apache-2.0
// Runs a program of the person's choice with a secret, for a limited time: in its own session, with a clean
// environment and none of our descriptors. Its output is never shown with the secret in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/spawn.h"
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

// Runs it in "/" with the caller's ids, as run_to_end() does (base/spawn.h); `out` is the end
// of its output and errors, at most 4 KiB. Failure: "cannot be started: reason".
Result<ProgramOutcome> run_with_secret(const Program& program, const Secret& secret);

// The same, but any exit status except 0 is a failure: "exit status 3: LAST LINE OF ITS OUTPUT", and what
// else describe_end() says.
Result<void> run_program(const Program& program, const Secret& secret);

// "exit status 3", "killed by signal 9", "still running after 30 s".
std::string describe_end(const ProgramOutcome& end, Milliseconds timeout);

// The last line of `output` that is not blank, safe for a log: printable(), at most 200 bytes,
// without words that share 8 consecutive characters with `secret` or are longer than 64 characters.
std::string showable_tail(std::string_view output, const Secret& secret);

}  // namespace oci_oauth
