// SPDX-License-Identifier: Apache-2.0
// A root file system that is being set up: the machine's own, or a tree in a directory. Links in it are
// followed as the tree's own programs would, never out of it.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class Tree {
 public:
  // Failure: `root` is no directory.
  static Result<Tree> open(const std::string& root);

  const std::string& root() const { return root_; }
  bool is_host() const { return root_ == "/"; }
  // How a path of the tree is called outside of it.
  std::string shown(std::string_view path) const;

  // nullopt where there is no such file. Failure: it cannot be read, is larger than 1 MiB, or is a link to
  // nothing.
  Result<std::optional<std::string>> read(const std::string& path) const;
  bool exists(const std::string& path) const;
  // Whether a directory, or what would have to be made for it, is on a file system that is mounted read-only.
  bool is_read_only(const std::string& directory) const;
  // The names in a directory, sorted; none where it cannot be read.
  std::vector<std::string> list(const std::string& directory) const;
  // Where the tree has `program` among the usual places; empty where it has not.
  std::string find_program(std::string_view program) const;

  // Replaces the file whole, or makes it with `mode`. A link stays and its target is replaced; mode and owner
  // stay.
  Result<void> write(const std::string& path, std::string_view text, mode_t mode) const;
  Result<void> remove(const std::string& path) const;

  // Makes `path` and what is missing above it, mode 0755. Result: what was made, outermost first.
  Result<std::vector<std::string>> make_directories(const std::string& path) const;
  // The directories that make_directories(path) would make.
  std::vector<std::string> missing_directories(const std::string& path) const;
  // Removes a directory that is empty. False: it is not, or is in use.
  bool remove_directory(const std::string& path) const;

 private:
  struct Place {
    UniqueFd directory;
    std::string name, shown;
  };
  Tree(std::string root, UniqueFd fd) : root_(std::move(root)), fd_(std::move(fd)) {}
  Result<UniqueFd> open_in(const std::string& path, int flags) const;
  // The directory that really holds the file, links followed.
  Result<Place> locate(const std::string& path) const;

  std::string root_;
  UniqueFd fd_;
};

}  // namespace oci_oauth
