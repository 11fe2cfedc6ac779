// SPDX-License-Identifier: Apache-2.0
// The kind of file system that a file is on.
#pragma once

#include <string>

namespace oci_oauth {

// False for a file system that another host or program serves (NFS, SMB, 9p, FUSE, ...), where root may be
// refused and any access may take long. Also false if statfs(2) fails.
bool is_local_file_system(const std::string& path);

// tmpfs and ramfs. False if it cannot be found out.
bool is_in_memory(int fd);
bool is_in_memory(const std::string& path);

bool is_read_only(int fd);  // its mount is: statvfs(3). False if it cannot be found out.

}  // namespace oci_oauth
