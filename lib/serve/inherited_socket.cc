// SPDX-License-Identifier: Apache-2.0
#include "serve/inherited_socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <string>

#include "base/environment.h"

namespace oci_oauth {

namespace {

constexpr int first_listen_fd = 3;  // SD_LISTEN_FDS_START

bool is_listening(int fd) {
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

}  // namespace

Result<UniqueFd> inherited_socket() {
  const bool is_for_us = from_environment("LISTEN_PID") == std::to_string(::getpid());
  if (!is_for_us || from_environment("LISTEN_FDS") != "1" || !is_listening(first_listen_fd)) {
    return Error{ErrorKind::usage, "serve: no listening socket was passed",
                 "systemctl start oci-oauth-refresh.socket"};
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  ::fcntl(first_listen_fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(first_listen_fd, F_SETFL, O_NONBLOCK);
  return UniqueFd(first_listen_fd);
}

}  // namespace oci_oauth
