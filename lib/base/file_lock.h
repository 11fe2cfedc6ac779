// SPDX-License-Identifier: Apache-2.0
// flock(2) with a deadline: waiters sleep in the kernel and wake the moment the holder is through.
#pragma once

#include "base/file.h"
#include "base/time.h"

namespace oci_oauth {

enum class LockMode { shared, exclusive };

// A lock that is held while the object lives. It belongs to the open file description: a child that inherits
// the descriptor goes on holding it, and the kernel gives it back when the last holder ends, however it ends.
class FileLock {
 public:
  // Opens (and makes, mode 0600) the file and locks it. Failure: temporary where `deadline` passes first;
  // a deadline in the past means not to wait at all.
  static Result<FileLock> acquire(const FileAt& file, LockMode mode, SteadyTime deadline);

  // Locks a descriptor that is open already.
  static Result<FileLock> acquire(UniqueFd fd, LockMode mode, SteadyTime deadline, std::string_view shown);

  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace oci_oauth
