// SPDX-License-Identifier: Apache-2.0
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "doctor/checks.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

namespace {

constexpr const char* check_name = "runtime directory";

Finding finding(Verdict verdict, std::string message, std::string remedy = "") {
  return {check_name, verdict, std::move(message), std::move(remedy)};
}

// The nearest existing parent directory.
std::string existing_parent(std::string path) {
  struct stat status;
  while (path != "/" && ::stat(path.c_str(), &status) != 0) path = parent_directory(path);
  return path;
}

bool is_in_memory(const std::string& path) {
  struct statfs status;
  return ::statfs(path.c_str(), &status) == 0 &&
         (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

// Host root mounts a tmpfs on share/; otherwise it is on its parent's file system.
Finding not_there_yet(const std::string& path) {
  const std::string parent = existing_parent(path);
  if (is_host_root() || is_in_memory(parent)) {
    return finding(Verdict::ok, fmt::format("{}: will be created by the first refresh", path));
  }
  return finding(Verdict::warning, fmt::format("{}: will be created on a disk by the first refresh", path),
                 "set \"runtime_dir\" to a directory on a tmpfs, for example $XDG_RUNTIME_DIR/oci-oauth");
}

bool is_own_file_system(const std::string& share) {
  struct stat inner, outer;
  return ::stat(share.c_str(), &inner) == 0 && ::stat(parent_directory(share).c_str(), &outer) == 0 &&
         inner.st_dev != outer.st_dev;
}

}  // namespace

Findings check_runtime_directory(const CheckContext& context) {
  const std::string& path = context.config.runtime_dir;
  const auto runtime = RuntimeDir::open_existing(path);
  if (!runtime) return {problem(check_name, runtime.error())};
  if (!*runtime) return {not_there_yet(path)};
  const std::string share = path + "/share";
  if ((*runtime)->share_storage() == ShareStorage::disk) {
    return {finding(Verdict::warning, fmt::format("{}: is on a disk: tokens are written to it", share),
                    "set \"runtime_dir\" to a directory on a tmpfs, as /run is on most hosts")};
  }
  if (is_host_root() && !is_own_file_system(share)) {
    return {finding(Verdict::warning,
                    fmt::format("{}: shares its file system with other files, which a container could "
                                "open with open_by_handle_at(2)",
                                share),
                    fmt::format("while no container is running: rm -r {} && oci-oauth refresh", path))};
  }
  return {finding(Verdict::ok, fmt::format("{}: is private and in memory", path))};
}

}  // namespace oci_oauth
