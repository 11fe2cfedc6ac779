// SPDX-License-Identifier: Apache-2.0
#include "oci/loopback_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "oci/limits.h"

namespace oci_oauth {

namespace {

constexpr int shared_namespace = ENOTUNIQ;  // stands for it

std::optional<FileId> own_network() {
  return file_id(FileAt{.path = "/proc/self/ns/net"});
}

// Runs in the child, which shares the caller's descriptors. Result: 0, or the error number.
int listen_in(int process, int socket_slot, std::uint16_t port) {
  const auto before = own_network();
  if (::setns(process, CLONE_NEWNET) != 0) return errno;
  if (!before || before == own_network()) return shared_namespace;
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
