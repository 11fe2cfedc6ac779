// SPDX-License-Identifier: Apache-2.0
// oci-oauth exchange: serves a connection to oci-oauth-exchange.socket, which is stdin and stdout. Becomes
// oci-oauth-exchange with the login owner's rights.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/size.h"
#include "command.h"
#include "worker/worker.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "exchange";
constexpr std::string_view shown = "exchange request";
constexpr size_t request_limit = 16 * MiB;

bool is_connection(int fd) {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

}  // namespace

Result<ExitCode> exchange(const Invocation& invocation) {
  const auto& rest = invocation.arguments.operands;
  if (!rest.empty()) return usage_error(verb, "takes no argument");
  if (!is_connection(STDIN_FILENO)) {
    return Error{ErrorKind::usage, "exchange: stdin is not a connection",
                 "oci-oauth-exchange.socket starts it; to refresh by hand: oci-oauth refresh"};
  }
  const auto programs = TRY(InstalledPrograms::find());
  const Secret text(TRY(read_to_end(STDIN_FILENO, request_limit, shown)));
  const auto request = TRY(read_request(text.reveal()));
  UniqueFd report_to(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  return become_exchange(programs.helper("oci-oauth-exchange"), request, std::move(report_to));
}

}  // namespace oci_oauth
