// SPDX-License-Identifier: Apache-2.0
// The verbs that systemd's units start: serve, exchange and units.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/service_manager.h"
#include "command.h"
#include "config/scope.h"
#include "serve/refresh_server.h"
#include "setup/unit_files.h"

namespace oci_oauth {

namespace {

// The one on which systemd listened before it started us.
Result<UniqueFd> listening_socket() {
  auto inherited = inherited_descriptors();
  if (inherited.size() != 1 || !is_listening(inherited.front().second.get()))
    return Error{ErrorKind::usage, "serve: no listening socket was passed",
                 "oci-oauth-refresh.socket starts it; to refresh by hand: oci-oauth refresh"};
  ::fcntl(inherited.front().second.get(), F_SETFL, O_NONBLOCK);
  return std::move(inherited.front().second);
}

bool is_connection(int fd) {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

}  // namespace

// The refresher behind refresh.sock, started for the first request.
Result<ExitCode> serve(const Invocation& invocation) {
  const auto exchange_socket = invocation.arguments.value("--exchange");
  if (!exchange_socket) return usage_error(invocation.verb, "needs --exchange SOCKET");
  auto listening = TRY(listening_socket());
  auto instance = TRY(Instance::open(invocation.config));
  const std::string config = instance.config.path;
  ServerClock clock;
  auto server = TRY(RefreshServer::open({.listening = std::move(listening),
                                         .runtime = std::move(instance.runtime),
                                         .config = std::move(instance.config),
                                         .read_config = [&] { return open_configuration(config); },
                                         .command = {instance.programs.command(), "--config", config,
                                                     "refresh", "--exchange", *exchange_socket, "--"},
                                         .log = invocation.log,
                                         .clock = clock}));
  server.run();
  return ExitCode::fine;
}

// A connection to oci-oauth-exchange.socket, which is stdin and stdout. Becomes oci-oauth-exchange with the
// login owner's rights.
Result<ExitCode> exchange(const Invocation&) {
  if (!is_connection(STDIN_FILENO))
    return Error{ErrorKind::usage, "exchange: stdin is not a connection",
                 "oci-oauth-exchange.socket starts it; to refresh by hand: oci-oauth refresh"};
  const auto programs = TRY(InstalledPrograms::find());
  const Secret text(TRY(read_to_end(STDIN_FILENO, longest_request, "exchange request")));
  const auto request = TRY(read_request(text.reveal()));
  UniqueFd report_to(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  return become_exchange(programs.helper("oci-oauth-exchange"), request, std::move(report_to));
}

// Generates, for systemd's generator, what the units need from the configuration.
Result<ExitCode> units(const Invocation& invocation) {
  const auto& directories = invocation.arguments.operands;
  if (directories.size() != 1) return usage_error(invocation.verb, "needs one directory");
  const Scope manager = service_manager_of(from_environment("SYSTEMD_SCOPE"), scope_of_caller());
  // Root's logins belong to the system.
  if (manager == Scope::user && scope_of_caller() == Scope::system) return ExitCode::fine;
  const auto config = TRY(open_configuration(invocation.config));
  const auto files = TRY(unit_files(config, manager));
  TRY(write_unit_files(files, directories.front()));
  return ExitCode::fine;
}

}  // namespace oci_oauth
