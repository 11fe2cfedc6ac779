// SPDX-License-Identifier: Apache-2.0
#include "proxy/relay.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "base/unix_socket.h"

namespace oci_oauth {

namespace {

constexpr std::string_view address_prefix = "fd00::";  // RFC 4193: never the address of anybody else
constexpr size_t most_connections = 256;               // of a container, so that all have some
constexpr size_t most_ended = 1000;
constexpr int status_forbidden = 403;

std::string name_of(const ProxiedContainer& container) {
  return fmt::format("{} {}", container.profile, container.id);
}

}  // namespace

void Relay::admit(std::string_view profile, std::string_view id, ContainerSockets sockets) {
  const auto earlier = std::ranges::find_if(containers_, [&](const auto& entry) {
    return entry.second.traffic.profile == profile && entry.second.traffic.id == id;
  });
  if (earlier != containers_.end()) drop(earlier);
  ++last_number_;
  std::string address = fmt::format("{}{:x}:{:x}", address_prefix, last_number_ >> 16, last_number_ & 0xffff);
  Container container = {{std::string(profile), std::string(id)}, std::move(sockets)};
  const auto place = containers_.emplace(std::move(address), std::move(container)).first;
  for (const UniqueFd& listening : place->second.sockets.listening) {
    ::fcntl(listening.get(), F_SETFL, ::fcntl(listening.get(), F_GETFL) | O_NONBLOCK);
    loop_.watch(listening.get(), EPOLLIN, [this, place, fd = listening.get()] { accept(place, fd); });
  }
  loop_.watch(place->second.sockets.process.get(), EPOLLIN, [this, place] { drop(place); });
}

std::string Relay::note_answer(std::string_view address, int status, std::uint64_t bytes) {
  if (const auto found = containers_.find(address); found != containers_.end()) {
    ProxiedContainer& traffic = found->second.traffic;
    ++traffic.requests;
    if (status == status_forbidden) ++traffic.refused;
    traffic.bytes += bytes;
    return name_of(traffic);
  }
  const auto ended = std::ranges::find(ended_, address, &std::pair<std::string, std::string>::first);
  return ended == ended_.end() ? std::string(address) : ended->second;
}

void Relay::drop(Containers::iterator place) {
  const Container& container = place->second;
  for (const UniqueFd& listening : container.sockets.listening) loop_.forget(listening.get());
  loop_.forget(container.sockets.process.get());
  on_end_(container.traffic);
  ended_.emplace_back(place->first, name_of(container.traffic));
  if (ended_.size() > most_ended) ended_.pop_front();
  containers_.erase(place);
}

void Relay::listen(const Container& container, std::uint32_t events) {
  for (const UniqueFd& listening : container.sockets.listening) loop_.change(listening.get(), events);
}

// A container with all its connections in use waits for one of them to end; so does one for which the system
// has no descriptor left.
void Relay::accept(Containers::iterator place, int listening) {
  UniqueFd client(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const bool is_out_of_descriptors = !client && (errno == EMFILE || errno == ENFILE);
  if (client) connect(place, std::move(client));
  const Container& container = place->second;
  if (container.connections.size() >= (is_out_of_descriptors ? 1 : most_connections)) listen(container, 0);
}

// If nginx is not there, the client's connection is closed.
void Relay::connect(Containers::iterator place, UniqueFd client) {
  auto& [address, container] = *place;
  auto server = connect_unix({.path = fmt::format("{}/{}.sock", directory_, container.traffic.profile)});
  if (!server) return;
  auto& connections = container.connections;
  const auto connection =
      connections.emplace(connections.end(), loop_, std::move(client), std::move(*server),
                          fmt::format("PROXY TCP6 {} {} 1 1\r\n", address, address_prefix));
  connection->start([this, place, connection] {
    place->second.connections.erase(connection);
    listen(place->second, EPOLLIN);
  });
}

}  // namespace oci_oauth
