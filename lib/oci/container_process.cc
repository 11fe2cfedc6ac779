// SPDX-License-Identifier: Apache-2.0
#include "oci/container_process.h"

#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <string>

#include "base/child.h"
#include "base/fmt.h"
#include "base/wait.h"
#include "oci/id_map.h"

namespace oci_oauth {

namespace {

constexpr size_t id_map_limit = 64 * KiB;

// nsfs gives each namespace an inode: ioctl_ns(2).
Result<bool> shares_user_namespace(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/ns/user", pid);
  const auto its = file_id({.path = path});
  if (!its) return Error::from_errno(errno, path);
  return its == file_id({.path = "/proc/self/ns/user"});
}

Error is_the_hosts(pid_t pid) {
  return {ErrorKind::failed,
          fmt::format("process {} is in the host's mount namespace, not in a container's", pid),
          "give the container its own mount namespace"};
}

// `kind`: uid or gid.
Result<std::uint32_t> id_outside(pid_t pid, std::string_view kind, std::uint32_t inside) {
  const std::string path = fmt::format("/proc/{}/{}_map", pid, kind);
  const auto text = TRY(read_file({.path = path}, id_map_limit));
  const auto map = TRY(IdMap::parse(text, path));
  if (const auto id = map.outside(inside)) return *id;
  return Error{ErrorKind::failed,
               fmt::format("{} {} of the container is not mapped to the host", kind, inside),
               "give the container a user namespace that maps it"};
}

}  // namespace

Result<ContainerProcess> ContainerProcess::open(pid_t pid) {
  if (pid <= 0) {
    return Error{ErrorKind::not_found, "the state does not name a process of the container",
                 "register the hook for the stage createRuntime"};
  }
  UniqueFd fd = open_process(pid);
  if (!fd) return Error::from_errno(errno, fmt::format("pidfd_open of process {}", pid));
  auto ours = TRY(open_file({.path = "/proc/self/ns/mnt"}, O_RDONLY));
  auto its = open_file({.path = fmt::format("/proc/{}/ns/mnt", pid)}, O_RDONLY);
  auto root = open_file({.path = fmt::format("/proc/{}/root", pid)}, O_PATH | O_DIRECTORY);
  if (is_readable(fd.get())) return Error{ErrorKind::not_found, fmt::format("process {}: has exited", pid)};
  if (!its) return std::move(its).error();
  if (is_same_file(file_id(ours.get()), file_id(its->get()))) return is_the_hosts(pid);
  return ContainerProcess(pid, std::move(fd), std::move(ours), std::move(*its), std::move(root));
}

Result<Owner> ContainerProcess::owner_outside(Owner inside) const {
  // The maps of our own user namespace are reported as its parent sees them.
  if (TRY(shares_user_namespace(pid_))) return inside;
  const auto uid = id_outside(pid_, "uid", inside.uid);
  const auto gid = TRY(uid ? id_outside(pid_, "gid", inside.gid) : uid);
  if (!is_running()) return Error{ErrorKind::not_found, fmt::format("process {}: has exited", pid_)};
  return Owner{*uid, gid};
}

bool ContainerProcess::is_running() const {
  return !is_readable(fd_.get());
}

Result<void> ContainerProcess::enter_mounts() const {
  // The container can inspect a process in its namespaces unless that process is not dumpable.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::setns(fd_.get(), CLONE_NEWNS) == 0) return {};
  return Error::from_errno(errno, fmt::format("setns to the mount namespace of process {}", pid_));
}

void ContainerProcess::leave_mounts() const {
  ::setns(own_mounts_.get(), CLONE_NEWNS);
}

}  // namespace oci_oauth
