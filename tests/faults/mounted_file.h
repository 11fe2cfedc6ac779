// SPDX-License-Identifier: Apache-2.0
// A file as a mount point of its own, as a person binds a single file.
#pragma once

#include <sys/mount.h>

#include <stdexcept>
#include <string>

namespace oci_oauth::test {

// Needs a mount namespace of the tests' own. Ends with the object.
class MountedFile {
 public:
  explicit MountedFile(const std::string& path) : path_(path) {
    if (::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      throw std::runtime_error(path + ": mount");
  }
  ~MountedFile() { ::umount2(path_.c_str(), MNT_DETACH); }
  MountedFile(const MountedFile&) = delete;
  MountedFile& operator=(const MountedFile&) = delete;

 private:
  const std::string path_;
};

}  // namespace oci_oauth::test
