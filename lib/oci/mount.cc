// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace oci_oauth {

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

Result<void> mount_in_container(pid_t pid, int tree, int target) {
  // By number: glibc 2.36 declares pidfd_open(2) without C linkage.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return Error::from_errno(errno, fmt::format("pidfd_open of process {}", pid));
  // The container may look into a process in its namespaces, unless that one is not dumpable.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::setns(process.get(), CLONE_NEWNS) != 0) {
    return Error::from_errno(errno, fmt::format("setns to the mount namespace of process {}", pid));
  }
  if (::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "move_mount onto the target in the container");
  }
  return {};
}

}  // namespace oci_oauth
