// SPDX-License-Identifier: Apache-2.0
#include "proxy/dialer.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/fmt.h"
#include "proxy/proxy_files.h"

namespace oci_oauth {

namespace {

constexpr size_t most_connecting = 64;  // of a profile, each on a thread of its own, because resolvers block
constexpr timeval time_to_connect = {.tv_sec = 10, .tv_usec = 0};  // to one of the addresses

// What a thread reports, in one write.
struct Outcome {
  void* call;
  int socket;      // -1: not connected
  int error;       // of connect(2), or
  int unresolved;  // of getaddrinfo(3), 0: none
};

// SO_SNDTIMEO also limits connect(2): socket(7).
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

// The first of the host's addresses, in the order of RFC 6724, that accepts.
void connect(void* call, const PreparedProfile& profile, int reports) {
  addrinfo hints = {};
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  Outcome outcome = {call, -1, 0, 0};
  outcome.unresolved = ::getaddrinfo(profile.host.c_str(), profile.port.c_str(), &hints, &addresses);
  for (const addrinfo* one = addresses; one != nullptr && outcome.socket < 0; one = one->ai_next) {
    outcome.socket = connect_to(*one).release();
    outcome.error = errno;
  }
  if (addresses != nullptr) ::freeaddrinfo(addresses);
  // Whoever asked may be gone.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  if (::write(reports, &outcome, sizeof outcome) != sizeof outcome) UniqueFd(outcome.socket).reset();
}

}  // namespace

Dialer::Dialer(EventLoop& loop, std::string directory, Pipe outcomes, const Log& log)
    : loop_(loop),
      directory_(std::move(directory)),
      outcomes_(std::move(outcomes.reading)),
      reports_(std::make_shared<const UniqueFd>(std::move(outcomes.writing))),
      log_(log) {
  ::fcntl(outcomes_.get(), F_SETFL, O_NONBLOCK);
  loop_.watch(outcomes_.get(), EPOLLIN, [this] { take_outcomes(); });
}

// A listener that stays loses no connection that waits there.
Result<void> Dialer::serve(const std::vector<PreparedProfile>& profiles) {
  std::map<std::string, Listener> earlier = std::exchange(listeners_, {});
  for (const PreparedProfile& profile : profiles) {
    auto node = earlier.extract(profile.name);
    Listener& listener =
        node ? listeners_.insert(std::move(node)).position->second : listeners_[profile.name];
    listener.profile = profile;
    if (listener.socket) continue;
    listener.socket = TRY(listen_at(fmt::format("{}/{}.api", directory_, profile.name)));
    loop_.watch(listener.socket.get(), EPOLLIN, [this, &listener] { accept(listener); });
  }
  for (const auto& [name, listener] : earlier) loop_.forget(listener.socket.get());
  return {};
}

void Dialer::accept(Listener& listener) {
  while (listener.connecting < most_connecting) {
    UniqueFd client(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) return;
    Call& call = calls_.emplace_back();
    call.profile = listener.profile;
    call.client = std::move(client);
    try {
      std::thread([call = &call, profile = call.profile, reports = reports_] {
        connect(call, profile, reports->get());
      }).detach();
      ++listener.connecting;
    } catch (const std::system_error& error) {
      log_.write(Priority::warning, fmt::format("no thread to connect with: {}", error.what()));
      end(call);
    }
  }
  loop_.change(listener.socket.get(), 0);
}

void Dialer::take_outcomes() {
  Outcome outcome;
  while (::read(outcomes_.get(), &outcome, sizeof outcome) == sizeof outcome) {
    Call& call = *static_cast<Call*>(outcome.call);
    if (const auto listener = listeners_.find(call.profile.name); listener != listeners_.end()) {
      if (listener->second.connecting > 0)
        --listener->second.connecting;  // 0: it is another one of that name
      loop_.change(listener->second.socket.get(), EPOLLIN);
    }
    if (outcome.socket >= 0) {
      begin(call, UniqueFd(outcome.socket));
      continue;
    }
    log_.write(Priority::warning, fmt::format("profile '{}': {}: {}", call.profile.name, call.profile.host,
                                              outcome.unresolved != 0 ? ::gai_strerror(outcome.unresolved)
                                                                      : ::strerror(outcome.error)));
    end(call);
  }
}

void Dialer::begin(Call& call, UniqueFd server) {
  call.tunnel.emplace(loop_, std::move(call.client), std::move(server), "", [this, &call] { end(call); });
  call.tunnel->pass_on();
}

void Dialer::end(const Call& call) {
  calls_.remove_if([&](const Call& one) { return &one == &call; });
}

}  // namespace oci_oauth
