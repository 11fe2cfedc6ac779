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
  // Neither socket blocks. `server` hears `greeting` first.
  Tunnel(EventLoop& loop, UniqueFd client, UniqueFd server, std::string greeting = {});
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // `on_end` destroys the tunnel, perhaps at once.
  void start(std::function<void()> on_end);

 private:
  struct Direction {
    int from, to;
    std::string waiting = {};  // read, and not yet written
    bool has_ended = false;
  };

  void pass_on();
  static bool pass_on(Direction& direction);

  EventLoop& loop_;
  UniqueFd client_, server_;
  Direction question_, answer_;
  std::function<void()> on_end_;
};

}  // namespace oci_oauth
