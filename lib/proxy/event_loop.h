// SPDX-License-Identifier: Apache-2.0
// Calls a function for each descriptor that is ready, on one thread: epoll(7), level-triggered.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/unique_fd.h"

namespace oci_oauth {

class EventLoop {
 public:
  using Handler = std::function<void()>;

  EventLoop();  // throws std::system_error

  // Calls `handler` whenever `fd`, which does not block, has one of `events`. With none it is not watched at
  // all, so that the end of its peer is not reported over and over.
  void watch(int fd, std::uint32_t events, Handler handler);
  void change(int fd, std::uint32_t events);
  // Calls `take` with each connection to a listening socket that does not block.
  void accept(int listening, std::function<void(UniqueFd connection)> take);
  // Before the descriptor is closed; also from its own handler.
  void forget(int fd);

  void run();  // until stop()
  void stop() { is_stopping_ = true; }

 private:
  struct Watched {
    std::uint32_t events;
    std::shared_ptr<const Handler> handler;
  };

  UniqueFd epoll_;
  std::unordered_map<int, Watched> watched_;
  bool is_stopping_ = false;
};

}  // namespace oci_oauth
