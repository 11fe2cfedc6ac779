// SPDX-License-Identifier: Apache-2.0
#include "wrapper/runtime_file.h"

#include <cerrno>

#include "base/path.h"
#include "oci/limits.h"

namespace oci_oauth {

Result<RuntimeFile> RuntimeFile::open(const std::string& path) {
  RuntimeFile file;
  file.path_ = path;
  file.directory_ = TRY(open_file({.path = parent_directory(path)}, O_PATH | O_DIRECTORY));
  const auto opened = TRY(open_file({file.directory_.get(), base_name(path), path}, O_RDONLY | O_NOFOLLOW));
  struct stat status;
  if (::fstat(opened.get(), &status) != 0) return Error::from_errno(errno, path);
  file.mode_ = status.st_mode & 07777;
  file.owner_ = {status.st_uid, status.st_gid};
  file.text_ = TRY(read_file(opened.get(), spec_limit, path));
  return file;
}

Result<void> RuntimeFile::replace(std::string_view text) const {
  return replace_file(directory_.get(), base_name(path_), parent_directory(path_), text,
                      {.mode = mode_, .owner = owner_});
}

}  // namespace oci_oauth
