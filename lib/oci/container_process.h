// SPDX-License-Identifier: Apache-2.0
// The process whose namespaces a runtime has made ready for a container, held by a descriptor: guards against
// a pid that is reused while the hook waits, and against one that is no container's.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class ContainerProcess {
 public:
  // pidfd_open(2), Linux 5.3. Failure: no such process, or one in the caller's own mount namespace, where
  // making a directory or a mount would change the host.
  static Result<ContainerProcess> open(pid_t pid);

  pid_t pid() const { return pid_; }
  int fd() const { return fd_.get(); }

  // The ids that `inside` of its user namespace has in the caller's, as the kernel maps them: a config.json
  // need not tell (a joined user namespace). user_namespaces(7), /proc/PID/uid_map and gid_map. Failure: one
  // of them is not mapped; the process has ended.
  Result<Owner> owner_outside(Owner inside) const;

  // Whether it runs still: what was read from /proc/PID before this call was its own, nobody else's.
  bool is_running() const;

 private:
  ContainerProcess(pid_t pid, UniqueFd fd) : pid_(pid), fd_(std::move(fd)) {}
  pid_t pid_;
  UniqueFd fd_;
};

}  // namespace oci_oauth
