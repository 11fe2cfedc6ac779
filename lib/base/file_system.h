// SPDX-License-Identifier: Apache-2.0
// What kind of file system holds a file.
#pragma once

#include <string>

namespace oci_oauth {

// False for a file system that another host or another program serves (NFS, SMB, 9p, FUSE, ...): root may be
// refused there, and a look at it may take any time. Also false where that cannot be told (statfs(2)).
bool is_local_file_system(const std::string& path);

}  // namespace oci_oauth
