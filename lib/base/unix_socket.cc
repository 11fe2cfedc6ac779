// SPDX-License-Identifier: Apache-2.0
#include "base/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fmt.h"

namespace oci_oauth {

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

}  // namespace oci_oauth
