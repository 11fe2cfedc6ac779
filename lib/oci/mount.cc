// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.h"
#include "base/fmt.h"

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

Result<UniqueFd> clone_tree_read_only(const FileAt& directory) {
  UniqueFd tree(::open_tree(directory.directory, directory.path.c_str(),
                            AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Error::from_errno(errno, fmt::format("{}: open_tree", directory.shown));
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  // A copy of a shared mount is its peer: what a container mounts over it would also cover the host's
  // directory.
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return Error::from_errno(errno, fmt::format("{}: mount_setattr", directory.shown));
  }
  return tree;
}

// The child's own: if it fails, what it has attached disappears with its mount namespace.
Result<UniqueFd> lock_tree(UniqueFd tree, const std::string& path) {
  auto locked = open_in_child(
      CLONE_NEWNS, [&](int slot) { return copy_through_user_namespace(tree.get(), path.c_str(), slot); });
  if (locked.failure == 0) return std::move(locked.fd);
  return Error::from_errno(locked.failure, "lock the flags of the share directory's mount");
}

Result<void> mount_in_container(const ContainerProcess& process, int tree, int target) {
  TRY(process.enter_mounts());
  if (::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "move_mount onto the target in the container");
  }
  return {};
}

}  // namespace oci_oauth
