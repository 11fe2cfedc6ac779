// SPDX-License-Identifier: Apache-2.0
#include "base/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

Result<MemoryFile> MemoryFile::holding(std::string_view text) {
  UniqueFd fd(::memfd_create("oci-oauth", MFD_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "memfd_create");
  std::string path = fmt::format("/dev/fd/{}", fd.get());
  TRY(write_all(fd.get(), text, path));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return Error::from_errno(errno, "lseek");
  return MemoryFile(std::move(fd), std::move(path));
}

}  // namespace oci_oauth
