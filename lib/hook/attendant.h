// SPDX-License-Identifier: Apache-2.0
// A refresher that a hook starts itself, and the child between the two that attends it. Guards the runtime
// that called the hook: crun collects orphans (PR_SET_CHILD_SUBREAPER) and waits for its hooks by SIGCHLD, of
// which the kernel keeps one, so that an orphan that ends beside a hook costs the container.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class Attendant {
 public:
  // Starts `command` (absolute path first) in a session of its own, without the caller's stdio, with a copy
  // of `lock` as descriptor 3. `container`: a pidfd. Failure: names the call.
  static Result<Attendant> start(const std::vector<std::string>& command, int lock, int container);

  // Waits for the command's end, and leaves no child where it comes before `deadline`. Where it does not, or
  // where nobody waits, the attendant outlives the caller: it ends after the command, and under a runtime
  // that collects orphans not before the container has ended. (crun stays until all that it collects has.)
  void wait(SteadyTime deadline) &&;

 private:
  Attendant(pid_t child, UniqueFd socket) : child_(child), socket_(std::move(socket)) {}
  pid_t child_;
  UniqueFd socket_;
};

}  // namespace oci_oauth
