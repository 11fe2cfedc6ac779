// SPDX-License-Identifier: Apache-2.0
// The process whose namespaces a runtime has prepared for a container, held by a descriptor: protects against
// a pid that is reused while the hook waits, and against a process outside any container. And its user
// namespace: which ids correspond to the caller's, and how a refresh enters that of a rootless engine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

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

// How the ids of a user namespace, or of an idmapped mount, correspond to those of the reader.
class IdMap {
 public:
  // The text of /proc/PID/uid_map or gid_map, user_namespaces(7), or the strings that statmount(2) returns
  // for an idmapped mount: "inside outside count", separated by white space or NUL. Failure: `source`, if the
  // text is anything else.
  static Result<IdMap> parse(std::string_view text, std::string_view source);

  // nullopt if the id is not mapped.
  std::optional<std::uint32_t> outside(std::uint32_t id) const {
    return find(id, &Range::inside, &Range::outside);
  }
  std::optional<std::uint32_t> inside(std::uint32_t id) const {
    return find(id, &Range::outside, &Range::inside);
  }

 private:
  struct Range {
    std::uint32_t inside, outside, count;
  };
  std::optional<std::uint32_t> find(std::uint32_t id, std::uint32_t Range::*from,
                                    std::uint32_t Range::*to) const;
  std::vector<Range> ranges_;
};

// Identifies the caller's user namespace by its inode, as in ioctl_ns(2). 0 if the kernel has none.
std::uint64_t own_user_namespace();

// Runs `action` in the user namespace `name`, in which the ids that a rootless engine's hook recorded are
// valid: outside of it, only root can give files to the users of its containers. In this process if that is
// the caller's own or 0, otherwise in a child that joins it, found as that of process `pid` or one of its
// parents (the caller owns it, or has CAP_SYS_ADMIN in it). The child shares descriptors and does not change
// the caller's ids. Result: that of the function. Failure: also if the namespace does not exist any more or
// cannot be joined.
Result<void> in_user_namespace(pid_t pid, std::uint64_t name, const std::function<Result<void>()>& action);

}  // namespace oci_oauth
