// SPDX-License-Identifier: Apache-2.0
#include "worker/login_owner.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>

#include "base/fmt.h"
#include "base/unique_fd.h"

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

Result<std::string> read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size < 0) return Error::from_errno(errno, path);
  return std::string(target, static_cast<size_t>(size));
}

// Walks a path until a component does not belong to root: its owner is the result.
class Walk {
 public:
  explicit Walk(const std::string& path) { prepend(pending_, path); }

  bool done() const { return pending_.empty() || status_.st_uid != 0; }
  uid_t uid() const { return status_.st_uid; }
  gid_t gid() const { return status_.st_gid; }

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
    if (status_.st_uid != 0) return {};
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
    auto target = TRY(read_link(path));
    if (target.starts_with('/')) here_.clear();
    prepend(pending_, target);
    return {};
  }

  std::deque<std::string> pending_;
  std::string here_;  // "" is "/"
  struct stat status_ = {};
  unsigned links_ = 0;
};

std::vector<gid_t> groups_of(const char* name, gid_t gid) {
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(name, gid, groups.data(), &count) < 0) {
    groups.resize(std::max(groups.size() * 2, static_cast<size_t>(count)));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<size_t>(count));
  return groups;
}

LoginOwner describe_user(uid_t uid, gid_t gid) {
  const passwd* const user = ::getpwuid(uid);
  if (user == nullptr) return {uid, gid, {gid}, fmt::format("uid {}", uid)};
  return {uid, user->pw_gid, groups_of(user->pw_name, user->pw_gid), user->pw_name};
}

bool is_already(uid_t uid) {
  uid_t real = 0, effective = 0, saved = 0;
  return ::getresuid(&real, &effective, &saved) == 0 && real == uid && effective == uid && saved == uid;
}

Result<void> switch_to(const LoginOwner& owner) {
  const auto failure = [&](const char* call) {
    return Error::from_errno(errno, fmt::format("become {}: {}", owner.name, call));
  };
  if (::setgroups(owner.groups.size(), owner.groups.data()) != 0) return failure("setgroups");
  if (::setresgid(owner.gid, owner.gid, owner.gid) != 0) return failure("setresgid");
  if (::setresuid(owner.uid, owner.uid, owner.uid) != 0) return failure("setresuid");
  return {};
}

Result<void> drop_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return Error::from_errno(errno, "capset");
  return {};
}

constexpr std::uint64_t directories = LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
constexpr std::uint64_t writes =
    directories | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
// LANDLOCK_ACCESS_FS_TRUNCATE, which headers older than Linux 6.2 lack; truncate(2) needs no open file.
constexpr std::uint64_t truncation = 1U << 14;
constexpr long abi_with_truncation = 3;

Result<void> allow(int ruleset, const std::string& path, std::uint64_t access) {
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno(errno, path);
  const landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = directory.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return Error::from_errno(errno, fmt::format("{}: landlock_add_rule", path));
  }
  return {};
}

}  // namespace

Result<LoginOwner> find_login_owner(const std::string& path) {
  if (!path.starts_with('/')) {
    return Error{ErrorKind::failed, fmt::format("'{}': is not an absolute path", path)};
  }
  Walk walk(path);
  while (!walk.done()) {
    TRY(walk.step());
  }
  return describe_user(walk.uid(), walk.gid());
}

Result<void> become(const LoginOwner& owner) {
  if (!is_already(owner.uid)) {
    TRY(switch_to(owner));
  }
  TRY(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno(errno, "PR_SET_NO_NEW_PRIVS");
  if (is_already(owner.uid) && (owner.uid == 0 || ::setuid(0) != 0)) return {};
  return Error{ErrorKind::failed, fmt::format("become {}: root's rights could be regained", owner.name)};
}

Result<bool> confine_writes(const std::string& writable, const std::vector<std::string>& lock_parents) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) return false;
  if (abi < 0) return Error::from_errno(errno, "landlock_create_ruleset");

  landlock_ruleset_attr attributes = {};
  attributes.handled_access_fs = abi >= abi_with_truncation ? writes | truncation : writes;
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return Error::from_errno(errno, "landlock_create_ruleset");
  TRY(allow(ruleset.get(), writable, attributes.handled_access_fs));
  for (const std::string& parent : lock_parents) {
    TRY(allow(ruleset.get(), parent, directories));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Error::from_errno(errno, "landlock_restrict_self");
  }
  return true;
}

}  // namespace oci_oauth
