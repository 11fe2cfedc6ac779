// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/file.h"
#include "base/process.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t mountinfo_limit = 16 * MiB;

// Runs in the child, which shares the caller's descriptors: puts the locked copy of `tree` in the place of
// `slot`. Its mount namespace is its own twice over: a copy that goes to a less privileged user namespace is
// what the kernel locks. Result: 0, or the error number.
int copy_through_user_namespace(int tree, const char* path, int slot) {
  if (::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) return errno;
  if (::move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) return errno;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  const int locked = ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (locked < 0 || ::dup3(locked, slot, O_CLOEXEC) < 0) return errno;
  ::close(locked);
  return 0;
}

// The line of /proc/PID/mountinfo, proc(5), that begins with `id`; empty where there is none.
std::string_view line_of(std::string_view mountinfo, std::string_view id) {
  while (!mountinfo.empty()) {
    const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    if (line.starts_with(id) && line.substr(id.size()).starts_with(' ')) return line;
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
  }
  return {};
}

}  // namespace

Result<UniqueFd> clone_tree_read_only(int directory) {
  UniqueFd tree(::open_tree(directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Error::from_errno(errno, "open_tree of the share directory");
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  // A copy of a shared mount is its peer: what a container mounts over it would cover the host's directory
  // too.
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return Error::from_errno(errno, "mount_setattr of the share directory");
  }
  return tree;
}

Result<UniqueFd> lock_flags(int tree, const std::string& path) {
  const auto failure = [](int number) {
    return Error::from_errno(number, "lock the flags of the share directory's mount");
  };
  UniqueFd slot(::fcntl(tree, F_DUPFD_CLOEXEC, 0));
  if (!slot) return failure(errno);
  const auto child =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
  if (child < 0) return failure(errno);
  if (child == 0) ::_exit(copy_through_user_namespace(tree, path.c_str(), slot.get()));
  const int status = reap(child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return failure(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
  }
  return slot;
}

Result<void> check_unshared(const ContainerProcess& process, int target) {
  struct statx status = {};
  if (::statx(target, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) {
    return Error::from_errno(errno, "statx of the target in the container");
  }
  const std::string path = fmt::format("/proc/{}/mountinfo", process.pid());
  auto mountinfo = read_file({.path = path}, mountinfo_limit);
  if (!mountinfo) return std::move(mountinfo).error();
  const std::string_view line = line_of(*mountinfo, fmt::format("{}", status.stx_mnt_id));
  if (line.empty()) {
    return Error{ErrorKind::failed, fmt::format("{}: lacks the mount of the target", path), ""};
  }
  // The optional fields end at a lone hyphen; spaces in paths are escaped.
  if (line.substr(0, line.find(" - ")).find(" shared:") == std::string_view::npos) return {};
  return Error{ErrorKind::failed, "the mount that holds the target passes its mounts on to others",
               "mount a tmpfs at the target, or mount the volume around it without \"shared\""};
}

Result<void> mount_in_container(const ContainerProcess& process, int tree, int target) {
  // The container may look into a process in its namespaces, unless that one is not dumpable.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::setns(process.fd(), CLONE_NEWNS) != 0) {
    return Error::from_errno(errno, fmt::format("setns to the mount namespace of process {}", process.pid()));
  }
  if (::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "move_mount onto the target in the container");
  }
  return {};
}

}  // namespace oci_oauth
