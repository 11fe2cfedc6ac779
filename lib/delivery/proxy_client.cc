// SPDX-License-Identifier: Apache-2.0
#include "delivery/proxy_client.h"

#include <unistd.h>

#include "base/fmt.h"
#include "base/unix_socket.h"
#include "base/wait.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_answer = 4 * MiB;
constexpr Milliseconds wait_for_traffic{1000};

enum class Answer { line, whole };

Result<std::string> read_answer(int socket, Answer kind, SteadyTime deadline) {
  std::string answer;
  char buffer[4 * KiB];
  while (answer.size() < longest_answer && (kind == Answer::whole || !answer.ends_with('\n'))) {
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

std::string share_text(const std::optional<FileId>& share) {
  return share ? fmt::format("{}:{}", share->device, share->inode) : "";
}

Result<Admission> hand_over(const RuntimeDir& runtime, const HandedOver& socket, SteadyTime deadline) {
  auto connection = connect_unix(runtime.proxy_socket());
  if (!connection)
    return Error(connection.error()).in("the proxy is not running").with_hint("oci-oauth install proxy");
  const std::string request = fmt::format("{}\n{}\n{}\n{}", admit_request, socket.profile, socket.container,
                                          share_text(socket.share_id));
  TRY(send_message(connection->get(), request,
                   {socket.listening, socket.process, socket.on_loopback, socket.share}));
  std::string answer = TRY(read_answer(connection->get(), Answer::line, deadline));
  if (answer == admitted) return Admission::done;
  if (answer == wants_share) return Admission::without_share;
  if (answer.empty()) answer = "it closed the connection without an answer\n";
  answer.pop_back();
  return Error{ErrorKind::failed, fmt::format("oci-oauth-proxy: {}", answer), "oci-oauth install proxy"};
}

std::vector<ProxiedContainer> proxied_containers(const RuntimeDir& runtime) {
  const auto connection = connect_unix(runtime.proxy_socket());
  if (!connection || !send_message(connection->get(), traffic_request, {})) return {};
  const auto answer =
      read_answer(connection->get(), Answer::whole, std::chrono::steady_clock::now() + wait_for_traffic);
  auto traffic = answer ? read_record<ProxyTraffic>(*answer, "proxy.sock") : answer.error();
  return traffic ? std::move(traffic->containers) : std::vector<ProxiedContainer>();
}

}  // namespace oci_oauth
