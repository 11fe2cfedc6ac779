// SPDX-License-Identifier: Apache-2.0
#include "oci/container_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

namespace oci_oauth {

namespace {

// nsfs gives each namespace an inode: ioctl_ns(2).
Result<struct stat> mount_namespace(const std::string& process) {
  const std::string path = fmt::format("/proc/{}/ns/mnt", process);
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return Error::from_errno(errno, path);
  return status;
}

Result<void> check_is_not_the_hosts(pid_t pid) {
  auto ours = mount_namespace("self");
  auto its = mount_namespace(std::to_string(pid));
  if (!ours) return std::move(ours).error();
  if (!its) return std::move(its).error();
  if (ours->st_dev != its->st_dev || ours->st_ino != its->st_ino) return {};
  return Error{ErrorKind::failed,
               fmt::format("process {} is in the host's own mount namespace: it is no container", pid),
               "give the container a mount namespace of its own"};
}

}  // namespace

Result<ContainerProcess> ContainerProcess::open(pid_t pid) {
  // By number: glibc 2.36 declares pidfd_open(2) without C linkage.
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return Error::from_errno(errno, fmt::format("pidfd_open of process {}", pid));
  ContainerProcess process(pid, std::move(fd));
  if (auto checked = check_is_not_the_hosts(pid); !checked) return std::move(checked).error();
  if (!process.is_running()) {
    return Error{ErrorKind::not_found, fmt::format("process {}: has ended", pid), ""};
  }
  return process;
}

bool ContainerProcess::is_running() const {
  pollfd event = {fd_.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) == 0;
}

}  // namespace oci_oauth
