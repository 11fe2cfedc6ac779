// SPDX-License-Identifier: Apache-2.0
// oci-oauth serve: the refresher behind refresh.sock, started by systemd for the first request.
#include <fcntl.h>

#include "base/service_manager.h"
#include "command.h"
#include "serve/refresh_server.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "serve";

// The one on which systemd listened before it started us.
Result<UniqueFd> listening_socket() {
  auto inherited = inherited_descriptors();
  if (inherited.size() != 1 || !is_listening(inherited.front().second.get()))
    return Error{ErrorKind::usage, "serve: no listening socket was passed",
                 "oci-oauth-refresh.socket starts it; to refresh by hand: oci-oauth refresh"};
  ::fcntl(inherited.front().second.get(), F_SETFL, O_NONBLOCK);
  return std::move(inherited.front().second);
}

}  // namespace

Result<ExitCode> serve(const Invocation& invocation) {
  const auto exchange_socket = invocation.arguments.value("--exchange");
  if (!invocation.arguments.operands.empty()) return usage_error(verb, "takes no argument");
  if (!exchange_socket) return usage_error(verb, "needs --exchange SOCKET");
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

}  // namespace oci_oauth
