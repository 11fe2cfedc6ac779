// SPDX-License-Identifier: Apache-2.0
#include "proxy/dialer.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "base/fmt.h"
#include "base/unix_socket.h"

namespace oci_oauth {

namespace {

constexpr size_t most_connecting = 64;  // of a profile, each on a thread of its own, because resolvers block
constexpr timeval time_to_connect = {.tv_sec = 10, .tv_usec = 0};  // to one of the addresses

// SO_SNDTIMEO also limits connect(2): socket(7). Result: empty, with errno, if it is not connected.
UniqueFd connect_to(const addrinfo& address) {
  UniqueFd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time_to_connect, sizeof time_to_connect);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno == EINPROGRESS) errno = ETIMEDOUT;
    return {};
  }
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

}  // namespace

// To the first of the host's addresses, in the order of RFC 6724, that accepts.
void Dialer::Call::connect() {
  addrinfo hints = {};
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  const int unresolved = ::getaddrinfo(profile.host.c_str(), profile.port.c_str(), &hints, &addresses);
  if (unresolved != 0) {
    failure = ::gai_strerror(unresolved);
    return;
  }
  for (const addrinfo* one = addresses; one != nullptr && !server; one = one->ai_next) {
    server = connect_to(*one);
    failure = server ? nullptr : ::strerrordesc_np(errno);
  }
  ::freeaddrinfo(addresses);
}

Dialer::Dialer(EventLoop& loop, std::string directory, const Log& log)
    : loop_(loop), directory_(std::move(directory)), log_(log) {
  outcomes_->event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  loop_.watch(outcomes_->event.get(), EPOLLIN, [this] { take_outcomes(); });
}

// A listener that stays loses no connection that waits there.
Result<void> Dialer::serve(const std::vector<PreparedProfile>& profiles) {
  if (!outcomes_->event)
    return Error{ErrorKind::failed, "there are no descriptors left to hear of connections"};
  std::map<std::string, Listener> earlier = std::exchange(listeners_, {});
  for (const PreparedProfile& profile : profiles) {
    auto node = earlier.extract(profile.name);
    Listener& listener =
        node ? listeners_.insert(std::move(node)).position->second : listeners_[profile.name];
    listener.profile = profile;
    if (listener.socket) continue;
    listener.socket = TRY(listen_unix(fmt::format("{}/{}.api", directory_, profile.name)));
    loop_.accept(listener.socket.get(),
                 [this, &listener](UniqueFd client) { accept(listener, std::move(client)); });
  }
  for (const auto& [name, listener] : earlier) loop_.forget(listener.socket.get());
  return {};
}

void Dialer::accept(Listener& listener, UniqueFd client) {
  try {
    std::thread([call = Call{listener.profile, std::move(client)}, outcomes = outcomes_]() mutable {
      call.connect();
      const std::lock_guard lock(outcomes->mutex);
      outcomes->calls.push_back(std::move(call));
      ::eventfd_write(outcomes->event.get(), 1);
    }).detach();
  } catch (const std::system_error& error) {
    log_.write(Priority::warning, fmt::format("no thread to connect with: {}", error.what()));
    return;
  }
  if (++listener.connecting == most_connecting) loop_.change(listener.socket.get(), 0);
}

void Dialer::take_outcomes() {
  eventfd_t count = 0;
  ::eventfd_read(outcomes_->event.get(), &count);
  std::vector<Call> calls;
  {
    const std::lock_guard lock(outcomes_->mutex);
    calls.swap(outcomes_->calls);
  }
  for (Call& call : calls) end(std::move(call));
}

void Dialer::end(Call call) {
  if (const auto listener = listeners_.find(call.profile.name); listener != listeners_.end()) {
    if (listener->second.connecting > 0) --listener->second.connecting;  // 0: it is another one of that name
    loop_.change(listener->second.socket.get(), EPOLLIN);
  }
  if (!call.server) {
    log_.write(Priority::warning,
               fmt::format("profile '{}': {}: {}", call.profile.name, call.profile.host, call.failure));
    return;
  }
  const auto tunnel = tunnels_.emplace(tunnels_.end(), loop_, std::move(call.client), std::move(call.server));
  tunnel->start([this, tunnel] { tunnels_.erase(tunnel); });
}

}  // namespace oci_oauth
