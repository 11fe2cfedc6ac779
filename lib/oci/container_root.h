// SPDX-License-Identifier: Apache-2.0
// The only way to a path inside a container: openat2(2) beneath the container's root, so that no symbolic
// link, ".." or magic link in an image leads out of it; where that call is not there, no link is followed.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
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

  // The same beneath any directory, in which the container of `process`, if any, has its root; `shown` names
  // it in messages.
  static Result<ContainerRoot> beneath(int directory, std::string_view rootfs, std::string_view shown,
                                       const ContainerProcess* process = nullptr);

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

  UniqueFd root_;
  const ContainerProcess* process_;
};

// The directory that a person bind-mounted at a target: found both on the host and in the container, so that
// nothing is written into another one, and so that its files belong to the container's user.
struct BoundDirectory {
  // O_PATH. The host's view, which is writable even if the container's mount is read-only; if `source` leads
  // elsewhere or nowhere, the container's view.
  UniqueFd directory;
  Owner owner;  // the owner for a file created there that will belong to the container's user
};

// `rootfs` as for ContainerRoot, `target` a path in the container, `source` the bind mount's path on the
// host, `user` the container's. If a runtime isolates the container's file system (gVisor), only `source`
// counts. Failure: there is no directory, or nothing is mounted at `target` (a container that is being
// restored); the user is not mapped to the host, or not by an idmapped mount.
Result<BoundDirectory> open_bound_directory(const ContainerProcess& process, std::string_view rootfs,
                                            std::string_view target, const std::string& source, Owner user);

}  // namespace oci_oauth
