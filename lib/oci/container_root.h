// SPDX-License-Identifier: Apache-2.0
// The one way to a path inside a container: openat2(2) beneath the container's root, so that no symbolic
// link, ".." or magic link of an image leads out of it.
#pragma once

#include <optional>
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
  // O_PATH: the container's tree in the container's own mount namespace, mounts included. Failure: names the
  // path and the call, or says that the process has ended.
  static Result<ContainerRoot> open(const ContainerProcess& process, std::string_view rootfs);

  // The same beneath any directory; `shown` names it in messages.
  static Result<ContainerRoot> beneath(int directory, std::string_view rootfs, std::string_view shown);

  // The directory at `path`, O_PATH. Missing components are made with mode 0755, owned by `owner` (the
  // container's root as the caller sees it: a file system of the container's user namespace accepts nobody
  // else). Failure: a component that is no directory, a link that leads nowhere or loops, the root itself, a
  // place in the container's /proc, /sys or /dev, however a link leads there; each names the component and
  // why.
  Result<UniqueFd> make_directory(std::string_view path, std::optional<Owner> owner) const;

  // The same without making anything; not_found where it is missing.
  Result<UniqueFd> open_directory(std::string_view path) const;

 private:
  explicit ContainerRoot(UniqueFd root) : root_(std::move(root)) {}
  UniqueFd root_;
};

}  // namespace oci_oauth
