// SPDX-License-Identifier: Apache-2.0
// Stands for a Claude Code on the same host, which needs an account: a process of the login's owner that does
// what proper-lockfile.js says, with the lock implementation that Claude Code uses.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "faults/host.h"

namespace oci_oauth::test {

class ClaudeCode {
 public:
  // Empty where it can run; else why not.
  static std::string missing();

  // `words` are proper-lockfile.js's, after HOME.
  ClaudeCode(const Host& host, const std::vector<std::string>& words);
  ~ClaudeCode();
  ClaudeCode(const ClaudeCode&) = delete;
  ClaudeCode& operator=(const ClaudeCode&) = delete;

  // The next line that it prints; "" where it ends or says nothing for 20 s.
  std::string line() const;
  void end_input() { input_.reset(); }
  // Result: its exit code, once it has ended by itself.
  int end();
  // SIGKILL.
  void die();

 private:
  pid_t pid_ = 0;
  UniqueFd input_, output_;
};

}  // namespace oci_oauth::test
