// SPDX-License-Identifier: Apache-2.0
#include "base/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_text = 4 * KiB;
constexpr size_t most_descriptors = 4;

struct alignas(cmsghdr) Control {
  char bytes[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
};

}  // namespace

Result<sockaddr_un> unix_address(const FileAt& file) {
  const std::string path =
      file.directory == AT_FDCWD ? file.path : fmt::format("/proc/self/fd/{}/{}", file.directory, file.path);
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) return Error::from_errno(ENAMETOOLONG, file.shown);
  path.copy(address.sun_path, path.size());
  return address;
}

Result<UniqueFd> connect_unix(const FileAt& file, Blocking blocking) {
  const sockaddr_un address = TRY(unix_address(file));
  const int flags = SOCK_CLOEXEC | (blocking == Blocking::no ? SOCK_NONBLOCK : 0);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | flags, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error::from_errno(errno, file.shown);
  return socket;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  const sockaddr_un address = TRY(unix_address({.path = path}));
  ::unlink(path.c_str());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool is_bound =
      socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!is_bound || ::listen(socket.get(), SOMAXCONN) != 0) return Error::from_errno(errno, path);
  return socket;
}

std::optional<uid_t> peer_uid(int socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  const bool is_known = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return is_known ? std::optional(peer.uid) : std::nullopt;
}

bool is_peer_trusted(int socket) {
  const auto uid = peer_uid(socket);
  return uid == 0U || uid == ::geteuid();
}

Result<void> send_message(int socket, std::string_view text, std::initializer_list<int> descriptors) {
  Control control;
  iovec part = {const_cast<char*>(text.data()), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const auto number = descriptors.size() - static_cast<size_t>(std::ranges::count(descriptors, -1));
  if (number > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(number * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(number * sizeof(int));
    std::ranges::remove_copy(descriptors, reinterpret_cast<int*>(CMSG_DATA(header)), -1);
  }
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size()))
    return Error::from_errno(sent < 0 ? errno : EMSGSIZE, "sendmsg");
  return {};
}

Result<DescriptorMessage> receive_message(int socket) {
  Control control;
  std::string text(longest_text, '\0');
  iovec part = {text.data(), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (count < 0) return Error::from_errno(errno, "recvmsg");
  text.resize(static_cast<size_t>(count));
  DescriptorMessage received = {std::move(text), {}};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < number; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Error::from_errno(EMSGSIZE, "recvmsg");
  return received;
}

}  // namespace oci_oauth
