// SPDX-License-Identifier: Apache-2.0
// flock(2) with a deadline: waiters sleep in the kernel and wake as soon as the lock is released.
#pragma once

#include "base/file.h"
#include "base/time.h"

namespace oci_oauth {

enum class LockMode { shared, exclusive };

// A lock that is held as long as the object lives. It belongs to the open file description: a child that
// inherits the descriptor holds it too, and the kernel releases it when the last holder ends, in whatever
// way.
class FileLock {
 public:
  // Opens (and creates, mode 0600) the file and locks it. Failure: temporary if `deadline` passes first; with
  // a deadline in the past it does not wait.
  static Result<FileLock> acquire(const FileAt& file, LockMode mode, SteadyTime deadline);

  // Locks an open descriptor.
  static Result<FileLock> acquire(UniqueFd fd, LockMode mode, SteadyTime deadline, std::string_view shown);

  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace oci_oauth
