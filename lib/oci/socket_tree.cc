// SPDX-License-Identifier: Apache-2.0
#include "oci/socket_tree.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "base/unix_socket.h"
#include "oci/limits.h"

namespace oci_oauth {

namespace {

Result<UniqueFd> make_memory_tree() {
  const UniqueFd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) return Error::from_errno(errno, "fsopen of a tmpfs");
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return Error::from_errno(errno, "fsconfig of a tmpfs");
  UniqueFd tree(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!tree) return Error::from_errno(errno, "fsmount of a tmpfs");
  return tree;
}

}  // namespace

Result<SocketTree> make_socket_tree(std::string_view name) {
  UniqueFd tree = TRY(make_memory_tree());
  const sockaddr_un address = TRY(unix_address({tree.get(), std::string(name), std::string(name)}));
  UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listening ||
      ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening.get(), longest_queue) != 0)
    return Error::from_errno(errno, "bind of the container's socket");
  if (::chmod(address.sun_path, 0666) != 0)
    return Error::from_errno(errno, "chmod of the container's socket");
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    return Error::from_errno(errno, "mount_setattr of the container's socket");
  return SocketTree{std::move(tree), std::move(listening)};
}

}  // namespace oci_oauth
