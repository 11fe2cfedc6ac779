// SPDX-License-Identifier: Apache-2.0
// A text as a file in memory, for a program that reads files: it is on no disk, and freed when nobody has it
// open.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class MemoryFile {
 public:
  // Failure: out of descriptors or memory.
  static Result<MemoryFile> holding(std::string_view text);

  // At its beginning, and closed on exec.
  int fd() const { return fd_.get(); }
  // The path for a child process that keeps fd() (spawn.h).
  const std::string& path() const { return path_; }

 private:
  MemoryFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

}  // namespace oci_oauth
