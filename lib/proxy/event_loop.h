// SPDX-License-Identifier: Apache-2.0
// Calls a function for each descriptor that is ready, on one thread: epoll(7), level-triggered.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

class EventLoop {
 public:
  using Handler = std::function<void()>;

  // Failure: names the call.
  static Result<EventLoop> open();

  // Calls `handler` whenever `fd`, which does not block, has one of `events`. With none it is not watched at
  // all, so that the end of its peer is not reported over and over.
  void watch(int fd, std::uint32_t events, Handler handler);
  void change(int fd, std::uint32_t events);
  // Before the descriptor is closed; also from its own handler.
  void forget(int fd);

  void run();  // until stop()
  void stop() { is_stopping_ = true; }

 private:
  struct Watched {
    std::uint32_t events;
    std::shared_ptr<const Handler> handler;
  };
  explicit EventLoop(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  UniqueFd epoll_;
  std::unordered_map<int, Watched> watched_;
  bool is_stopping_ = false;
};

}  // namespace oci_oauth
