// SPDX-License-Identifier: Apache-2.0
// Connects each container's own listening socket to nginx, and tells nginx by a PROXY header which container
// it is, because nginx cannot listen on a new socket without replacing its workers. A container that ends can
// no longer ask: its connections are closed in that moment.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "proxy/event_loop.h"
#include "proxy/tunnel.h"

namespace oci_oauth {

// What the hook hands over for a container.
struct ContainerSockets {
  std::string profile, id;
  std::vector<UniqueFd> listening;  // one, and another one for its port on the loopback interface
  UniqueFd process;                 // the container's first process, a pidfd
};

struct ContainerTraffic {
  std::uint64_t requests = 0, refused = 0, bytes = 0;  // bytes: of answers
};

class Relay {
 public:
  struct Container {
    ContainerSockets sockets;
    std::string address;  // by which nginx knows it
    ContainerTraffic traffic = {};
    size_t connections = 0;
  };

  // `directory` has a socket PROFILE.sock of nginx for each profile. `on_end` is called when a container has
  // ended, before it is forgotten.
  Relay(EventLoop& loop, std::string directory, std::function<void(const Container&)> on_end)
      : loop_(loop), directory_(std::move(directory)), on_end_(std::move(on_end)) {}

  // Accepts the container's connections from now on. It replaces an earlier one of the same profile and id.
  void admit(ContainerSockets sockets);

  // Notes an answer that nginx sent to the container behind `address`. Result: "PROFILE ID" for the log; the
  // address itself if the container ended long ago.
  std::string note_answer(std::string_view address, int status, std::uint64_t bytes);
  const std::map<std::uint32_t, Container>& containers() const { return containers_; }

 private:
  struct Connection {
    std::uint32_t container = 0;
    std::optional<Tunnel> tunnel = {};
  };
  using Place = std::list<Connection>::iterator;

  void drop(std::uint32_t number);
  void accept(std::uint32_t number, int listening);
  void connect(std::uint32_t number, UniqueFd client);
  void close(Place place);
  void listen(const Container& container, std::uint32_t events);

  EventLoop& loop_;
  std::string directory_;
  std::function<void(const Container&)> on_end_;
  std::map<std::uint32_t, Container> containers_;
  std::map<std::uint32_t, std::string> ended_;  // the last ones, because nginx logs a request at its end
  std::list<Connection> connections_;
  std::uint32_t last_number_ = 0;
};

}  // namespace oci_oauth
