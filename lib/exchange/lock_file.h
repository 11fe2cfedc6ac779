// SPDX-License-Identifier: Apache-2.0
// Locks that other programs take as files, with flock(2): the kernel gives them back, however their holder
// ends.
#pragma once

#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/time.h"
#include "config/provider.h"

namespace oci_oauth {

class LockFiles {
 public:
  LockFiles() = default;

  // Takes `locks`, of kind file, in order; the files stay when the locks are released. Failure: temporary if
  // another program holds one beyond `deadline`; a file that cannot be opened.
  static Result<LockFiles> acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline, Time now);

  // Says again, in those that say it, that we hold them. Failure: temporary if another program replaced one.
  Result<void> touch(Time now);

 private:
  struct Held {
    ProviderLock lock;
    FileLock file;
  };
  std::vector<Held> held_;
};

}  // namespace oci_oauth
