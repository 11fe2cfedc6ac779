// SPDX-License-Identifier: Apache-2.0
#include "worker/login_owner.h"

#include <fcntl.h>
#include <grp.h>
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

#include "base/fmt.h"
#include "base/path.h"
#include "base/unique_fd.h"

namespace oci_oauth {

namespace {

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
  auto found = find_other_owner(path, 0);
  if (!found && found.error().kind == ErrorKind::not_found)
    return std::move(found).error().with_hint(
        "create it as the user whose login it is, or correct \"credentials\" in the configuration");
  const Owner owner = TRY(std::move(found)).value_or(Owner{0, 0});
  return describe_user(owner.uid, owner.gid);
}

Result<LoginOwner> owner_of(const Profile& profile) {
  if (!profile.source) return find_login_owner(profile.credentials);
  const std::string& name = profile.source->user;
  if (name.empty()) return describe_user(0, 0);
  const passwd* const user = ::getpwnam(name.c_str());
  if (user != nullptr) return describe_user(user->pw_uid, user->pw_gid);
  return Error::configuration(
      fmt::format("/profiles/{}/source/user: there is no user '{}'", profile.name, name));
}

Result<void> become(const LoginOwner& owner) {
  if (!is_already(owner.uid)) TRY(switch_to(owner));
  TRY(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno(errno, "PR_SET_NO_NEW_PRIVS");
  if (is_already(owner.uid) && (owner.uid == 0 || ::setuid(0) != 0)) return {};
  return Error{ErrorKind::failed, fmt::format("become {}: root's rights could be regained", owner.name)};
}

Result<bool> confine_writes(const std::string& directory) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) return false;
  if (abi < 0) return Error::from_errno(errno, "landlock_create_ruleset");

  landlock_ruleset_attr attributes = {};
  attributes.handled_access_fs = abi >= abi_with_truncation ? writes | truncation : writes;
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return Error::from_errno(errno, "landlock_create_ruleset");
  TRY(allow(ruleset.get(), directory, attributes.handled_access_fs));
  TRY(allow(ruleset.get(), parent_directory(directory), directories));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Error::from_errno(errno, "landlock_restrict_self");
  }
  return true;
}

}  // namespace oci_oauth
