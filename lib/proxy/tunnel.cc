// SPDX-License-Identifier: Apache-2.0
#include "proxy/tunnel.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/file.h"

namespace oci_oauth {

namespace {

constexpr size_t most_at_once = 256 * KiB;
constexpr int most_reads = 8;  // before others have their turn

// Result: whether the peer is still there. What does not fit is left in `bytes`.
bool send_some(int to, std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

Tunnel::Tunnel(EventLoop& loop, UniqueFd client, UniqueFd server, std::string greeting)
    : loop_(loop),
      client_(std::move(client)),
      server_(std::move(server)),
      question_{client_.get(), server_.get(), std::move(greeting)},
      answer_{server_.get(), client_.get()} {
  for (const int fd : {client_.get(), server_.get()}) loop_.watch(fd, 0, [this] { pass_on(); });
}

Tunnel::~Tunnel() {
  loop_.forget(client_.get());
  loop_.forget(server_.get());
}

void Tunnel::start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  pass_on();
}

void Tunnel::pass_on() {
  if (!pass_on(question_) || !pass_on(answer_) || (question_.has_ended && answer_.has_ended)) {
    const auto on_end = std::move(on_end_);
    return on_end();
  }
  const auto events_of = [](const Direction& in, const Direction& out) {
    return (in.waiting.empty() && !in.has_ended ? EPOLLIN : 0u) | (out.waiting.empty() ? 0u : EPOLLOUT);
  };
  loop_.change(client_.get(), events_of(question_, answer_));
  loop_.change(server_.get(), events_of(answer_, question_));
}

// What the receiver does not take yet is kept, and no more is read until it does. Result: false if one side
// is gone.
bool Tunnel::pass_on(Direction& direction) {
  static char buffer[most_at_once];
  std::string_view kept = direction.waiting;
  if (!send_some(direction.to, kept)) return false;
  direction.waiting.erase(0, direction.waiting.size() - kept.size());
  for (int i = 0; i < most_reads && direction.waiting.empty() && !direction.has_ended; ++i) {
    const ssize_t count = ::recv(direction.from, buffer, sizeof buffer, 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    std::string_view bytes(buffer, static_cast<size_t>(count));
    direction.has_ended = bytes.empty();
    if (!send_some(direction.to, bytes)) return false;
    direction.waiting = bytes;
    if (direction.has_ended) ::shutdown(direction.to, SHUT_WR);
  }
  return true;
}

}  // namespace oci_oauth
