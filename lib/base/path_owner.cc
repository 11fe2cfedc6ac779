// SPDX-License-Identifier: Apache-2.0
#include "base/path_owner.h"

#include <limits.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>

namespace oci_oauth {

namespace {

constexpr unsigned most_links = 40;  // as in path_resolution(7)

// Puts the components of `path` in front of `pending`.
void prepend(std::deque<std::string>& pending, std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (!name.empty() && name != ".") pending.emplace_front(name);
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
}

class Walk {
 public:
  Walk(const std::string& path, uid_t trusted) : trusted_(trusted) { prepend(pending_, path); }

  bool has_other_owner() const { return status_.st_uid != 0 && status_.st_uid != trusted_; }
  bool is_done() const { return pending_.empty() || has_other_owner(); }
  Owner owner() const { return {status_.st_uid, status_.st_gid}; }

  Result<void> step() {
    const std::string name = std::move(pending_.front());
    pending_.pop_front();
    if (name == "..") {
      // `here_` contains no link, so its parent is the text without the last component.
      here_.erase(here_.empty() ? 0 : here_.rfind('/'));
      return {};
    }
    const std::string path = here_ + "/" + name;
    if (::lstat(path.c_str(), &status_) != 0) return missing(path, errno);
    if (has_other_owner()) return {};
    if (S_ISLNK(status_.st_mode)) return follow(path);
    if (!S_ISDIR(status_.st_mode) && !pending_.empty()) return Error::from_errno(ENOTDIR, path);
    here_ = path;
    return {};
  }

 private:
  Result<void> missing(const std::string& path, int reason) {
    status_ = {};
    if (reason == ENOENT && pending_.empty()) return {};
    return Error::from_errno(reason, path);
  }

  Result<void> follow(const std::string& path) {
    if (++links_ > most_links) return Error::from_errno(ELOOP, path);
    auto target = TRY(link_target(path));
    if (target.starts_with('/')) here_.clear();
    prepend(pending_, target);
    return {};
  }

  uid_t trusted_;
  std::deque<std::string> pending_;
  std::string here_;  // "" is "/"
  struct stat status_ = {};
  unsigned links_ = 0;
};

}  // namespace

Result<std::optional<Owner>> find_other_owner(const std::string& path, uid_t trusted) {
  Walk walk(path, trusted);
  while (!walk.is_done()) {
    TRY(walk.step());
  }
  return walk.has_other_owner() ? std::optional(walk.owner()) : std::nullopt;
}

}  // namespace oci_oauth
