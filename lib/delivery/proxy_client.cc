// SPDX-License-Identifier: Apache-2.0
#include "delivery/proxy_client.h"

#include <unistd.h>

#include "base/descriptor_message.h"
#include "base/fmt.h"
#include "base/poll.h"
#include "base/size.h"
#include "base/unix_socket.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_answer = 4 * MiB;
constexpr Milliseconds wait_for_traffic{1000};

Result<std::string> read_answer(int socket, SteadyTime deadline) {
  std::string answer;
  char buffer[4 * KiB];
  while (answer.size() < longest_answer) {
    if (!wait_readable(socket, deadline))
      return Error{ErrorKind::failed, "oci-oauth-proxy: no answer in time",
                   "journalctl --identifier oci-oauth-proxy"};
    const ssize_t count = ::read(socket, buffer, sizeof buffer);
    if (count < 0) return Error::from_errno(errno, "oci-oauth-proxy");
    if (count == 0) break;
    answer.append(buffer, static_cast<size_t>(count));
  }
  return answer;
}

}  // namespace

Result<void> hand_over(const RuntimeDir& runtime, const HandedOver& socket, SteadyTime deadline) {
  auto connection = connect_unix(runtime.proxy_socket());
  if (!connection)
    return Error(connection.error()).in("the proxy is not running").with_hint("oci-oauth install proxy");
  const std::string request = fmt::format("{}\n{}\n{}", admit_request, socket.profile, socket.container);
  TRY(socket.on_loopback < 0
          ? send_message(connection->get(), request, {socket.listening, socket.process, socket.share})
          : send_message(connection->get(), request,
                         {socket.listening, socket.process, socket.share, socket.on_loopback}));
  std::string answer = TRY(read_answer(connection->get(), deadline));
  if (answer == admitted) return {};
  if (answer.empty()) answer = "it ended without an answer";
  return Error{ErrorKind::failed, fmt::format("oci-oauth-proxy: {}", answer), "oci-oauth install proxy"};
}

std::vector<ProxiedContainer> proxied_containers(const RuntimeDir& runtime) {
  const auto connection = connect_unix(runtime.proxy_socket());
  if (!connection || !send_message(connection->get(), traffic_request, {})) return {};
  const auto answer = read_answer(connection->get(), std::chrono::steady_clock::now() + wait_for_traffic);
  auto traffic = answer ? read_record<ProxyTraffic>(*answer, "proxy.sock") : answer.error();
  return traffic ? std::move(traffic->containers) : std::vector<ProxiedContainer>();
}

}  // namespace oci_oauth
