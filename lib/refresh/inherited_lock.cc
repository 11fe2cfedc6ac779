// SPDX-License-Identifier: Apache-2.0
#include "refresh/inherited_lock.h"

#include <fcntl.h>

#include "base/fmt.h"

namespace oci_oauth {

Result<FileLock> inherited_lock(const RuntimeDir& runtime, const std::string& profile, int fd) {
  const FileAt file = runtime.lock_file(profile);
  if (!is_same_file(file_id(fd), file_id(file)))
    return Error{ErrorKind::usage, fmt::format("descriptor {} is not {}", fd, file.shown)};
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return FileLock::acquire(UniqueFd(fd), LockMode::exclusive, SteadyTime{}, file.shown);
}

}  // namespace oci_oauth
