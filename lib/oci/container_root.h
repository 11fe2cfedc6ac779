// SPDX-License-Identifier: Apache-2.0
// The only way to a path inside a container: openat2(2) beneath the container's root, so that no symbolic
// link, ".." or magic link in an image leads out of it; where that call is not there, no link is followed.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "oci/container_process.h"

namespace oci_oauth {

class ContainerRoot {
 public:
  // `rootfs` (absolute; "/" once the container has pivoted) beneath /proc/PID/root, links included, opened
  // O_PATH: the container's file tree in its own mount namespace, including mounts. Failure: names the path
  // and the call, or says that the process has ended; not_found also if the runtime isolates the container's
  // file system, as gVisor does. `process` must outlive it.
  static Result<ContainerRoot> open(const ContainerProcess& process, std::string_view rootfs);

  // The same beneath any directory; `shown` names it in messages.
  static Result<ContainerRoot> beneath(int directory, std::string_view rootfs, std::string_view shown);

  // The directory at `path`, O_PATH. Missing components are created with mode 0755, owned by the container's
  // root according to its process, because a file system of the container's user namespace accepts nobody
  // else (beneath a plain directory: by the caller). Failure: a component that is not a directory, a dangling
  // or looping link, the root itself, or a place in the container's /proc, /sys or /dev, even through a link;
  // each names the component and why.
  Result<UniqueFd> make_directory(std::string_view path) const;

  // The same without creating anything; not_found if it is missing.
  Result<UniqueFd> open_directory(std::string_view path) const;

 private:
  ContainerRoot(UniqueFd root, const ContainerProcess* process) : root_(std::move(root)), process_(process) {}
  static Result<ContainerRoot> beneath(int directory, std::string_view rootfs, std::string_view shown,
                                       const ContainerProcess* process);

  UniqueFd root_;
  const ContainerProcess* process_;
};

}  // namespace oci_oauth
