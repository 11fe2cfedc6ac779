// SPDX-License-Identifier: Apache-2.0
#include "delivery/written_directory.h"

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

Result<UniqueFd> open_same_directory(const std::string& source, std::uint64_t device, std::uint64_t inode) {
  auto directory = open_file({.path = source}, O_PATH | O_DIRECTORY);
  if (!directory) return directory;
  struct stat status;
  if (::fstat(directory->get(), &status) != 0) return Error::from_errno(errno, source);
  if (status.st_dev != device || status.st_ino != inode) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: is another directory than the container's, so it is left alone", source),
                 "restart the container"};
  }
  return directory;
}

}  // namespace oci_oauth
