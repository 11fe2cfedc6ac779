// SPDX-License-Identifier: Apache-2.0
#include "proxy/event_loop.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace oci_oauth {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void EventLoop::watch(int fd, std::uint32_t events, Handler handler) {
  watched_[fd] = {0, std::make_shared<const Handler>(std::move(handler))};
  change(fd, events);
}

void EventLoop::change(int fd, std::uint32_t events) {
  const auto found = watched_.find(fd);
  if (found == watched_.end() || found->second.events == events) return;
  const int operation = found->second.events == 0 ? EPOLL_CTL_ADD
                        : events == 0             ? EPOLL_CTL_DEL
                                                  : EPOLL_CTL_MOD;
  epoll_event event = {.events = events, .data = {.fd = fd}};
  ::epoll_ctl(epoll_.get(), operation, fd, &event);
  found->second.events = events;
}

void EventLoop::accept(int listening, std::function<void(UniqueFd connection)> take) {
  watch(listening, EPOLLIN, [listening, take = std::move(take)] {
    UniqueFd connection(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) take(std::move(connection));
  });
}

void EventLoop::forget(int fd) {
  change(fd, 0);
  watched_.erase(fd);
}

// A descriptor whose number was reused since the events were reported is called for nothing, which does no
// harm, because none of them blocks.
void EventLoop::run() {
  epoll_event events[256];
  is_stopping_ = false;
  while (!is_stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events, std::size(events), -1);
    for (int i = 0; i < count && !is_stopping_; ++i) {
      const auto found = watched_.find(events[i].data.fd);
      if (found == watched_.end() || found->second.events == 0) continue;
      const auto handler = found->second.handler;
      (*handler)();
    }
  }
}

}  // namespace oci_oauth
