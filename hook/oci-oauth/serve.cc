// SPDX-License-Identifier: Apache-2.0
// oci-oauth serve: the refresher behind refresh.sock, started by systemd for the first request.
#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <string>

#include "refresh_server.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "serve";
constexpr int first_listen_fd = 3;  // SD_LISTEN_FDS_START

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool listens(int fd) {
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

// The protocol of sd_listen_fds(3): one socket, passed to this very process.
Result<UniqueFd> inherited_socket() {
  const bool for_us = from_environment("LISTEN_PID") == std::to_string(::getpid());
  if (!for_us || from_environment("LISTEN_FDS") != "1" || !listens(first_listen_fd)) {
    return Error{ErrorKind::usage, "serve: no listening socket was passed",
                 "systemctl start oci-oauth-refresh.socket"};
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  ::fcntl(first_listen_fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(first_listen_fd, F_SETFL, O_NONBLOCK);
  return UniqueFd(first_listen_fd);
}

}  // namespace

ExitCode serve(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const auto exchange_socket = arguments.value("--exchange");
  const auto& rest = arguments.operands;
  if (!rest.empty()) return report(invocation.log, usage_error(verb, "takes no argument"));
  if (!exchange_socket) return report(invocation.log, usage_error(verb, "needs --exchange SOCKET"));
  auto listening = inherited_socket();
  if (!listening) return report(invocation.log, listening.error());
  auto server = RefreshServer::open(invocation, std::move(*listening), *exchange_socket);
  if (!server) return report(invocation.log, server.error());
  const auto done = server->run();
  return done ? ExitCode::fine : report(invocation.log, done.error());
}

}  // namespace oci_oauth
