// SPDX-License-Identifier: Apache-2.0
// Runs a program under ptrace(2) and lets one system call of one of its processes go wrong. As `strace -f
// --inject`, but for what that cannot reach: strace counts the calls of each process by itself, so a kill at
// a child's 5th call comes to its parent's 5th first.
#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace oci_oauth::test {

// One call, as the process is about to make it.
struct Call {
  unsigned process = 0;  // 0: the program; 1: the first process that it starts; …
  unsigned number = 0;   // counted from 1 in that process, after execve(2)
  std::string name;      // empty: not one of the calls on files and sockets that this file knows
  std::string subject;   // the path that it names, or what its descriptor is open on
};

struct Fault {
  unsigned process = 0, number = 0;  // number 0: nothing goes wrong
  // errno that the call fails with, unmade but for close(2); where the call of that number is not one on
  // files and sockets, as it may be when a run differs from the one before it, the next such call fails. 0:
  // `signal` comes instead.
  int error = 0;
  int signal = SIGKILL;  // any other than SIGKILL comes just before the call is made
};

struct Traced {
  std::vector<Call> calls;     // every call up to the one that goes wrong, in the order they were begun
  std::optional<Call> failed;  // the one that went wrong; none where the process did not come so far
  int status = 0;              // wait(2)'s, of the program
  bool hung = false;           // was still there after `bound`, and killed
  std::string output;          // stdout and stderr
};

// A refresh takes a second, and one that waits for a lock or an answer at most half a minute.
constexpr std::chrono::seconds bound{90};

// Told of each call on files and sockets when it was made, before its process goes on.
using Observer = std::function<void(const Call&)>;

// Returns when the program and all that it started have ended. Its environment is empty.
// A `connection` is its stdin and stdout.
Traced run_traced(const std::vector<std::string>& command, const Fault& fault, const Observer& observer = {},
                  UniqueFd connection = UniqueFd());

// errors can be injected on this machine.
bool can_inject_errors();

}  // namespace oci_oauth::test
