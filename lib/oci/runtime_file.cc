// SPDX-License-Identifier: Apache-2.0
#include "oci/runtime_file.h"

#include <cerrno>

#include "base/path.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t limit = 16 * MiB;

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Result<RuntimeFile> RuntimeFile::open(const std::string& path) {
  RuntimeFile file;
  file.path_ = path;
  auto directory = open_file({.path = parent_directory(path)}, O_PATH | O_DIRECTORY);
  if (!directory) return std::move(directory).error();
  file.directory_ = std::move(*directory);
  const auto opened = open_file({file.directory_.get(), name_of(path), path}, O_RDONLY | O_NOFOLLOW);
  if (!opened) return opened.error();
  struct stat status;
  if (::fstat(opened->get(), &status) != 0) return Error::from_errno(errno, path);
  file.mode_ = status.st_mode & 07777;
  file.owner_ = {status.st_uid, status.st_gid};
  auto text = read_file(opened->get(), limit, path);
  if (!text) return std::move(text).error();
  file.text_ = std::move(*text);
  return file;
}

Result<void> RuntimeFile::replace(std::string_view text) const {
  return replace_file(directory_.get(), name_of(path_), parent_directory(path_), text,
                      {.mode = mode_, .owner = owner_});
}

}  // namespace oci_oauth
