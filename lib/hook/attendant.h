// SPDX-License-Identifier: Apache-2.0
// A refresher that a hook starts itself, and the child process between the two that attends it. This protects
// the container under crun, which adopts orphans (PR_SET_CHILD_SUBREAPER) and waits for its hooks by SIGCHLD:
// the kernel merges two such signals, so an orphan that ends next to a hook would make the container fail.
#pragma once

#include <string>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class Attendant {
 public:
  // Starts `command` (absolute path first) in its own session, without the caller's standard streams, with a
  // copy of `lock` as descriptor 3. `container`: a pidfd. Failure: names the call.
  static Result<Attendant> start(const std::vector<std::string>& command, int lock, int container);

  // Waits for the command to end. If it ends before `deadline`, no child is left. Otherwise the attendant
  // outlives the caller: it ends after the command and, under a runtime that adopts orphans, not before the
  // container has ended. (crun stays until all its children have ended.)
  void wait(SteadyTime deadline) &&;

  Attendant(Attendant&&) = default;
  Attendant& operator=(Attendant&&) = delete;
  ~Attendant() { child_.release(); }

 private:
  Attendant(Child child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}
  Child child_;
  UniqueFd socket_;
};

}  // namespace oci_oauth
