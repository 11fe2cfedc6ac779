// SPDX-License-Identifier: Apache-2.0
#include "exchange/file_access.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr const char* access_list = "system.posix_acl_access";  // acl(5), xattr(7)

bool lacks_lists(int reason) {
  return reason == ENODATA || reason == EOPNOTSUPP;
}

// Whether `from` has a list, and whether `to` has the same one: a new file may inherit a list from its
// directory.
struct ListKept {
  bool there, same;
};

ListKept keep_list(int from, int to) {
  const ssize_t size = ::fgetxattr(from, access_list, nullptr, 0);
  const bool there = size >= 0 || !lacks_lists(errno);
  if (!there) return {there, ::fremovexattr(to, access_list) == 0 || lacks_lists(errno)};
  std::vector<char> list(static_cast<size_t>(size < 0 ? 0 : size));
  const ssize_t read = ::fgetxattr(from, access_list, list.data(), list.size());
  const bool same =
      size >= 0 && read == size && ::fsetxattr(to, access_list, list.data(), list.size(), 0) == 0;
  return {there, same};
}

// If the owner cannot be kept, it is the user who refreshes and who can write to this directory anyway.
bool keep_group(const struct stat& status, int to) {
  return ::fchown(to, status.st_uid, status.st_gid) == 0 ||
         ::fchown(to, static_cast<uid_t>(-1), status.st_gid) == 0;
}

}  // namespace

Result<void> keep_access(int from, int to, const std::string& shown) {
  struct stat status;
  if (::fstat(from, &status) != 0) return Error::from_errno(errno, shown);
  mode_t mode = status.st_mode & 07777;
  const bool same_group = keep_group(status, to);
  const ListKept list = keep_list(from, to);
  if (!same_group || !list.same) {
    (void)::fremovexattr(to, access_list);
    // Members of the old group, and people on its list, then count as others.
    const mode_t others = list.there ? 0 : mode & (mode >> 3) & S_IRWXO;
    mode = (mode & (S_IRWXU | S_ISUID | S_ISVTX)) | others;
  }
  if (::fchmod(to, mode) != 0) return Error::from_errno(errno, fmt::format("{}: fchmod", shown));
  return {};
}

}  // namespace oci_oauth
