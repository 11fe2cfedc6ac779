// SPDX-License-Identifier: Apache-2.0
#include "wrapper/real_runtime.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

Result<void> check_runtime(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return Error::from_errno(errno, path);
  const auto self = file_id({.path = "/proc/self/exe"});
  if (!self) return Error::from_errno(errno, "/proc/self/exe");
  if (self == FileId::of(status)) {
    return Error{ErrorKind::failed, fmt::format("{}: is this wrapper itself", path)};
  }
  if (!S_ISREG(status.st_mode)) return Error{ErrorKind::failed, fmt::format("{}: is not a program", path)};
  if (::access(path.c_str(), X_OK) != 0) return Error::from_errno(errno, path);
  return {};
}

Result<std::string> choose_runtime(const std::string& configured, const std::vector<std::string>& directories,
                                   const Log& log) {
  if (configured.empty()) return find_runtime(directories);
  auto usable = check_runtime(configured);
  if (usable) return configured;
  log.write(Priority::warning,
            std::move(usable)
                .error()
                .in("the configured \"runtime\"")
                .with_hint("correct it in the configuration; until then runc or crun is used"));
  return find_runtime(directories);
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
