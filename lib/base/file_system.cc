// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace oci_oauth {

namespace {

// From linux/magic.h and the file systems' own sources, statfs(2); virtiofs uses FUSE's.
constexpr std::uint32_t served_elsewhere[] = {
    0x6969,      // NFS
    0x65735546,  // FUSE
    0x517b,      // SMB
    0xff534d42,  // CIFS
    0xfe534d42,  // SMB 2
    0x01021997,  // 9p
    0x5346414f,  // AFS
    0x6b414653,  // AFS in the kernel
    0x73757245,  // Coda
    0x00c36400,  // Ceph
    0x7461636f,  // OCFS2
    0x01161970,  // GFS2
    0x47504653,  // GPFS
    0x0bd00bd0,  // Lustre
    0x0187,      // autofs
};

bool is_memory(const struct statfs& status) {
  return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

}  // namespace

bool is_local_file_system(const std::string& path) {
  struct statfs status;
  if (::statfs(path.c_str(), &status) != 0) return false;
  const auto type = static_cast<std::uint32_t>(status.f_type);
  return std::ranges::find(served_elsewhere, type) == std::end(served_elsewhere);
}

bool is_in_memory(int fd) {
  struct statfs status;
  return ::fstatfs(fd, &status) == 0 && is_memory(status);
}

bool is_in_memory(const std::string& path) {
  struct statfs status;
  return ::statfs(path.c_str(), &status) == 0 && is_memory(status);
}

bool is_read_only(int fd) {
  struct statvfs status;
  return ::fstatvfs(fd, &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

}  // namespace oci_oauth
