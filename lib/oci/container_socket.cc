// SPDX-License-Identifier: Apache-2.0
#include "oci/container_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/unix_socket.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

constexpr int longest_queue = 128;          // of clients that have not been accepted
constexpr int shared_namespace = ENOTUNIQ;  // stands for it

Result<UniqueFd> make_memory_tree() {
  const UniqueFd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) return Error::from_errno(errno, "fsopen of a tmpfs");
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return Error::from_errno(errno, "fsconfig of a tmpfs");
  UniqueFd tree(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!tree) return Error::from_errno(errno, "fsmount of a tmpfs");
  return tree;
}

// Runs in the child, which shares the caller's descriptors. Result: 0, or the error number.
int listen_in(int process, int socket_slot, std::uint16_t port) {
  const FileAt network = {.path = "/proc/self/ns/net"};
  const auto before = file_id(network);
  if (::setns(process, CLONE_NEWNET) != 0) return errno;
  if (!before || before == file_id(network)) return shared_namespace;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || ::dup3(fd, socket_slot, O_CLOEXEC) < 0) return errno;
  ::close(fd);
  const int on = 1;
  // The interface may not be up yet.
  ::setsockopt(socket_slot, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens =
      ::bind(socket_slot, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(socket_slot, longest_queue) == 0;
  return listens ? 0 : errno;
}

}  // namespace

Result<SocketTree> make_socket_tree(const std::string& name) {
  UniqueFd tree = TRY(make_memory_tree());
  const sockaddr_un address = TRY(unix_address({.directory = tree.get(), .path = name}));
  UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listening ||
      ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening.get(), longest_queue) != 0)
    return Error::from_errno(errno, "bind of the container's socket");
  if (::chmod(address.sun_path, 0666) != 0)
    return Error::from_errno(errno, "chmod of the container's socket");
  TRY(restrict_mount(tree.get(), "the container's socket"));
  return SocketTree{std::move(tree), std::move(listening)};
}

Result<UniqueFd> listen_on_loopback(const ContainerProcess& process, std::uint16_t port) {
  const std::string what = fmt::format("listen on port {} of the container's loopback interface", port);
  auto opened = open_in_child(0, [&](int slot) { return listen_in(process.fd(), slot, port); });
  if (opened.failure == 0) return std::move(opened.fd);
  if (opened.failure == shared_namespace)
    return Error{ErrorKind::failed,
                 what + ": it shares the host's network, where every process could connect",
                 "give it a network namespace of its own, or remove \"loopback_port\" from the profile"};
  return Error::from_errno(opened.failure, what);
}

}  // namespace oci_oauth
