// SPDX-License-Identifier: Apache-2.0
// The process whose namespaces a runtime has prepared for a container, held by a descriptor: protects against
// a pid that is reused while the hook waits, and against a process outside any container.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class ContainerProcess {
 public:
  // pidfd_open(2), Linux 5.3. Failure: no such process, or one in the caller's own mount namespace, where
  // creating a directory or a mount would change the host.
  static Result<ContainerProcess> open(pid_t pid);

  pid_t pid() const { return pid_; }
  int fd() const { return fd_.get(); }
  // Its mount namespace, and its root directory (O_PATH). Failure: its runtime does not show it.
  int mount_namespace() const { return mounts_.get(); }
  const Result<UniqueFd>& root() const { return root_; }

  // The caller's ids for `inside` in its user namespace, as the kernel maps them, because config.json need
  // not contain the mapping (a joined user namespace). user_namespaces(7), /proc/PID/uid_map and gid_map.
  // Failure: one of them is not mapped; the process has ended.
  Result<Owner> owner_outside(Owner inside) const;

  // Whether it is still running: if so, what was read from /proc/PID before this call belongs to it.
  bool is_running() const;

  // Enters its mount namespace (setns(2)): until leave_mounts(), paths are the container's. Failure: names
  // the call.
  Result<void> enter_mounts() const;
  void leave_mounts() const;

 private:
  ContainerProcess(pid_t pid, UniqueFd fd, UniqueFd own_mounts, UniqueFd mounts, Result<UniqueFd> root)
      : pid_(pid),
        fd_(std::move(fd)),
        own_mounts_(std::move(own_mounts)),
        mounts_(std::move(mounts)),
        root_(std::move(root)) {}
  pid_t pid_;
  UniqueFd fd_, own_mounts_, mounts_;
  Result<UniqueFd> root_;
};

}  // namespace oci_oauth
