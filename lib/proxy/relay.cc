// SPDX-License-Identifier: Apache-2.0
#include "proxy/relay.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "base/fmt.h"
#include "base/unix_socket.h"

namespace oci_oauth {

namespace {

constexpr std::string_view address_prefix = "fd00::";  // RFC 4193: never the address of anybody else
constexpr size_t most_connections = 256;               // of a container, so that all have some
constexpr size_t most_ended = 1000;
constexpr int status_forbidden = 403;

// A number in the last 32 bits.
std::string address_of(std::uint32_t number) {
  return fmt::format("{}{:x}:{:x}", address_prefix, number >> 16, number & 0xffff);
}

// Result: 0 for anything else; no container has that number.
std::uint32_t number_in(std::string_view address) {
  if (!address.starts_with(address_prefix)) return 0;
  std::uint32_t high = 0, low = 0;
  const char* const end = address.data() + address.size();
  const auto first = std::from_chars(address.data() + address_prefix.size(), end, high, 16);
  if (first.ptr == end || *first.ptr != ':') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, low, 16);
  return second.ptr == end && high <= 0xffff && low <= 0xffff ? high << 16 | low : 0;
}

std::string name_of(const Relay::Container& container) {
  return fmt::format("{} {}", container.sockets.profile, container.sockets.id);
}

void make_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

void Relay::admit(ContainerSockets sockets) {
  for (const auto& [number, container] : containers_) {
    if (container.sockets.profile != sockets.profile || container.sockets.id != sockets.id) continue;
    drop(number);
    break;
  }
  const std::uint32_t number = ++last_number_;
  Container& container =
      containers_.emplace(number, Container{std::move(sockets), address_of(number)}).first->second;
  for (const UniqueFd& listening : container.sockets.listening) {
    make_nonblocking(listening.get());
    loop_.watch(listening.get(), EPOLLIN, [this, number, fd = listening.get()] { accept(number, fd); });
  }
  loop_.watch(container.sockets.process.get(), EPOLLIN, [this, number] { drop(number); });
}

std::string Relay::note_answer(std::string_view address, int status, std::uint64_t bytes) {
  const std::uint32_t number = number_in(address);
  if (const auto found = containers_.find(number); found != containers_.end()) {
    ContainerTraffic& traffic = found->second.traffic;
    ++traffic.requests;
    if (status == status_forbidden) ++traffic.refused;
    traffic.bytes += bytes;
    return name_of(found->second);
  }
  const auto ended = ended_.find(number);
  return ended == ended_.end() ? std::string(address) : ended->second;
}

void Relay::drop(std::uint32_t number) {
  const auto found = containers_.find(number);
  if (found == containers_.end()) return;
  for (auto place = connections_.begin(); place != connections_.end();) {
    const auto next = std::next(place);
    if (place->container == number) close(place);
    place = next;
  }
  const Container& container = found->second;
  for (const UniqueFd& listening : container.sockets.listening) loop_.forget(listening.get());
  loop_.forget(container.sockets.process.get());
  on_end_(container);
  ended_.emplace(number, name_of(container));
  if (ended_.size() > most_ended) ended_.erase(ended_.begin());
  containers_.erase(found);
}

void Relay::listen(const Container& container, std::uint32_t events) {
  for (const UniqueFd& listening : container.sockets.listening) loop_.change(listening.get(), events);
}

// A container with all its connections in use waits for one of them to end; so does one for which the system
// has no descriptor left.
void Relay::accept(std::uint32_t number, int listening) {
  Container& container = containers_.at(number);
  while (container.connections < most_connections) {
    UniqueFd client(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      connect(number, std::move(client));
      continue;
    }
    const bool is_out_of_descriptors = errno == EMFILE || errno == ENFILE;
    if (is_out_of_descriptors && container.connections > 0) break;
    return;
  }
  listen(container, 0);
}

// If nginx is not there, the client's connection is closed.
void Relay::connect(std::uint32_t number, UniqueFd client) {
  Container& container = containers_.at(number);
  const std::string path = fmt::format("{}/{}.sock", directory_, container.sockets.profile);
  auto server = connect_unix({.path = path});
  if (!server) return;
  ++container.connections;
  const Place place = connections_.emplace(connections_.end());
  place->container = number;
  place->tunnel.emplace(loop_, std::move(client), std::move(*server),
                        fmt::format("PROXY TCP6 {} {} 1 1\r\n", container.address, address_prefix),
                        [this, number, place] {
                          close(place);
                          listen(containers_.at(number), EPOLLIN);
                        });
  place->tunnel->pass_on();
}

void Relay::close(Place place) {
  --containers_.at(place->container).connections;
  connections_.erase(place);
}

}  // namespace oci_oauth
