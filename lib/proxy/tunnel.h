// SPDX-License-Identifier: Apache-2.0
// Two connected sockets, each of which hears what the other one says, until both have ended or one is gone.
#pragma once

#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "proxy/event_loop.h"

namespace oci_oauth {

class Tunnel {
 public:
  // Neither socket blocks. `server` hears `greeting` first. `on_end` destroys the tunnel; it is called from
  // pass_on(), which begins it, and whenever a socket is ready.
  Tunnel(EventLoop& loop, UniqueFd client, UniqueFd server, std::string greeting,
         std::function<void()> on_end);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  void pass_on();

 private:
  struct Direction {
    int from, to;
    std::string waiting = {};  // read, and not yet written
    bool has_ended = false;
  };

  static bool pass_on(Direction& direction);

  EventLoop& loop_;
  UniqueFd client_, server_;
  Direction question_, answer_;
  std::function<void()> on_end_;
};

}  // namespace oci_oauth
