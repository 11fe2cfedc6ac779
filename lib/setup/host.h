// SPDX-License-Identifier: Apache-2.0
// The host that is being set up: a whole machine (or its file tree), or one user's part of it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/scope.h"
#include "delivery/hook_entry.h"
#include "setup/ledger.h"

namespace oci_oauth {

// A root file system that is being set up: the machine's own, or a tree in a directory. Links in it are
// followed as the tree's own programs would follow them, and never lead out of it.
class Tree {
 public:
  // Failure: `root` is not a directory.
  static Result<Tree> open(const std::string& root);
  // What the process `pid` sees at /, also what our own mount namespace hides. Failure: it cannot be read.
  static Result<Tree> of_process(pid_t pid);

  const std::string& root() const { return root_; }
  bool is_host() const { return root_ == "/"; }
  // The outside path for a path in the tree.
  std::string shown(std::string_view path) const;

  // nullopt if there is no such file. Failure: it cannot be read, is larger than 1 MiB, or is a dangling
  // link.
  Result<std::optional<std::string>> read(const std::string& path) const;
  // The same; empty also if it cannot be read.
  std::string text_of(const std::string& path) const;
  bool exists(const std::string& path) const;
  // Whether a directory, or its nearest existing parent, is on a file system that is mounted read-only.
  bool is_read_only(const std::string& directory) const;
  // The names in a directory, sorted; none if it cannot be read.
  std::vector<std::string> list(const std::string& directory) const;
  // The path of `program` in the tree, in one of the usual directories; empty if it is in none.
  std::string find_program(std::string_view program) const;

  // Replaces the whole file, or creates it with `mode`. A link stays and its target is replaced; an existing
  // file's mode and owner stay.
  Result<void> write(const std::string& path, std::string_view text, mode_t mode) const;
  Result<void> remove(const std::string& path) const;

  // Creates `path` and its missing parents, mode 0755.
  Result<void> make_directories(const std::string& path) const;
  // The directories that make_directories(path) would create, outermost first.
  std::vector<std::string> missing_directories(const std::string& path) const;
  // Removes an empty directory. False: it is not empty, or is in use.
  bool remove_directory(const std::string& path) const;

 private:
  struct Place {
    UniqueFd directory;
    std::string name, shown;
  };
  Tree(std::string root, UniqueFd fd) : root_(std::move(root)), fd_(std::move(fd)) {}
  Result<UniqueFd> open_in(const std::string& path, int flags) const;
  // The directory that really contains the file, after following links.
  Result<Place> locate(const std::string& path) const;

  std::string root_;
  UniqueFd fd_;
};

struct Host {
  Tree tree;
  Scope scope = Scope::system;
  std::string prefix;  // of the programs, as a path in the tree
  std::string config;  // the configuration file
  std::string ledger_path;
  // Only for a user. The configuration must name runtime_dir, because hooks do not see XDG_RUNTIME_DIR.
  std::string runtime_dir = {}, config_home = {}, data_home = {};
  // What is planned with: what was changed here, and what an installation will make of the configuration.
  Ledger ledger = {};
  std::string planned_configuration = {};  // empty: it stays

  std::string hook() const { return hook_path(prefix); }
  std::string wrapper() const { return prefix + "/bin/oci-oauth-runtime"; }
};

constexpr const char* runtime_name = "oci-oauth";  // of the wrapper, in engines' files

// Whether a runtime's program is the wrapper, from this installation or another.
inline bool is_wrapper(std::string_view program) {
  return program == "oci-oauth-runtime" || program.ends_with("/oci-oauth-runtime");
}

// The machine if the caller is root or names a tree other than "/", otherwise the caller's own part. Failure:
// `root` is not a directory; a user without HOME and XDG_RUNTIME_DIR.
Result<Host> open_host(const std::string& root);

}  // namespace oci_oauth
