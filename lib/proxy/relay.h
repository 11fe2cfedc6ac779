// SPDX-License-Identifier: Apache-2.0
// Connects each container's own listening socket to nginx, and tells nginx by a PROXY header which container
// it is, because nginx cannot listen on a new socket without replacing its workers. A container that ends can
// no longer ask: its connections are closed in that moment.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "delivery/proxy_client.h"
#include "proxy/event_loop.h"
#include "proxy/tunnel.h"

namespace oci_oauth {

// What the hook hands over for a container.
struct ContainerSockets {
  std::vector<UniqueFd> listening;  // one, and another one for its port on the loopback interface
  UniqueFd process;                 // the container's first process, a pidfd
};

class Relay {
 public:
  struct Container {
    ProxiedContainer traffic;
    ContainerSockets sockets;
    std::list<Tunnel> connections = {};
  };

  // `directory` has a socket PROFILE.sock of nginx for each profile. `on_end` is called when a container has
  // ended, before it is forgotten.
  Relay(EventLoop& loop, std::string directory, std::function<void(const ProxiedContainer&)> on_end)
      : loop_(loop), directory_(std::move(directory)), on_end_(std::move(on_end)) {}

  // Accepts the container's connections from now on. It replaces an earlier one of the same profile and id.
  void admit(std::string_view profile, std::string_view id, ContainerSockets sockets);

  // Notes an answer that nginx sent to the container behind `address`. Result: "PROFILE ID" for the log; the
  // address itself if the container ended long ago.
  std::string note_answer(std::string_view address, int status, std::uint64_t bytes);

  // By the addresses by which nginx knows them.
  using Containers = std::map<std::string, Container, std::less<>>;
  const Containers& containers() const { return containers_; }

 private:
  void drop(Containers::iterator place);
  void accept(Containers::iterator place, int listening);
  void connect(Containers::iterator place, UniqueFd client);
  void listen(const Container& container, std::uint32_t events);

  EventLoop& loop_;
  std::string directory_;
  std::function<void(const ProxiedContainer&)> on_end_;
  Containers containers_;
  // Addresses and names of the last ones, because nginx logs a request at its end.
  std::deque<std::pair<std::string, std::string>> ended_;
  std::uint32_t last_number_ = 0;
};

}  // namespace oci_oauth
