// SPDX-License-Identifier: Apache-2.0
#include "wrapper/real_runtime.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fmt.h"

namespace oci_oauth {

Result<void> check_runtime(const std::string& path) {
  struct stat candidate, self;
  if (::stat(path.c_str(), &candidate) != 0) return Error::from_errno(errno, path);
  if (::stat("/proc/self/exe", &self) != 0) return Error::from_errno(errno, "/proc/self/exe");
  if (candidate.st_dev == self.st_dev && candidate.st_ino == self.st_ino) {
    return Error{ErrorKind::failed, fmt::format("{}: is this wrapper itself", path)};
  }
  if (!S_ISREG(candidate.st_mode)) return Error{ErrorKind::failed, fmt::format("{}: is not a program", path)};
  if (::access(path.c_str(), X_OK) != 0) return Error::from_errno(errno, path);
  return {};
}

Result<std::string> find_runtime(const std::vector<std::string>& directories) {
  for (const char* name : {"runc", "crun"}) {
    for (const std::string& directory : directories) {
      std::string path = fmt::format("{}/{}", directory, name);
      if (check_runtime(path)) return path;
    }
  }
  return Error{ErrorKind::not_found,
               fmt::format("there is neither runc nor crun in {}", fmt::join(directories, ", ")),
               "install one, or set \"runtime\" in the configuration"};
}

}  // namespace oci_oauth
