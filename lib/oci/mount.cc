// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.h"

namespace oci_oauth {

namespace {

// Makes the mount at `path` the only one in this mount namespace, so that the next copy of the namespace is
// small. Result: the new path of that mount. Not in a chroot, pivot_root(2).
const char* leave_only(const char* path) {
  if (::chdir(path) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) return path;
  ::umount2(".", MNT_DETACH);  // if it fails, the copy costs more
  return "/";
}

// Runs in the child, which shares the caller's descriptors: puts the locked copy of `tree` into `slot`. It
// enters two new mount namespaces, because the kernel locks the flags of a copy for a less privileged user
// namespace. Result: 0, or the error number.
int copy_through_user_namespace(int tree, const char* path, int slot) {
  if (::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) return errno;
  if (::move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) return errno;
  path = leave_only(path);
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  const int locked = ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (locked < 0 || ::dup3(locked, slot, O_CLOEXEC) < 0) return errno;
  ::close(locked);
  return 0;
}

}  // namespace

Result<UniqueFd> clone_tree_read_only(int directory) {
  UniqueFd tree(::open_tree(directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Error::from_errno(errno, "open_tree of the share directory");
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  // A copy of a shared mount is its peer: what a container mounts over it would also cover the host's
  // directory.
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return Error::from_errno(errno, "mount_setattr of the share directory");
  }
  return tree;
}

Result<UniqueFd> clone_tree_locked(int directory, const std::string& path) {
  const auto failure = [](int number) {
    return Error::from_errno(number, "lock the flags of the share directory's mount");
  };
  // The child's own: if it fails, what it has attached disappears with its mount namespace.
  const auto tree = TRY(clone_tree_read_only(directory));
  UniqueFd slot(::fcntl(tree.get(), F_DUPFD_CLOEXEC, 0));
  if (!slot) return failure(errno);
  const auto child =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
  if (child < 0) return failure(errno);
  if (child == 0) ::_exit(copy_through_user_namespace(tree.get(), path.c_str(), slot.get()));
  const ProcessEnd end = Child(child).wait();
  if (end.code() != 0) return failure(end.signal() == 0 ? end.code() : EINTR);
  return slot;
}

Result<void> mount_in_container(const ContainerProcess& process, int tree, int target) {
  // The container can inspect a process in its namespaces unless that process is not dumpable.
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
