// SPDX-License-Identifier: Apache-2.0
#include "base/poll.h"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace oci_oauth {

namespace {

int milliseconds_until(SteadyTime deadline) {
  if (deadline == SteadyTime::max()) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<Milliseconds::rep>(left.count(), 0, INT_MAX));
}

}  // namespace

pollfd readable(int fd) {
  return {.fd = fd, .events = POLLIN, .revents = 0};
}

bool wait_readable(std::span<pollfd> any, SteadyTime deadline) {
  int ready = 0;
  while ((ready = ::poll(any.data(), any.size(), milliseconds_until(deadline))) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

bool wait_readable(int fd, SteadyTime deadline) {
  pollfd event = readable(fd);
  return wait_readable({&event, 1}, deadline);
}

bool is_readable(int fd) {
  pollfd event = readable(fd);
  return ::poll(&event, 1, 0) == 1;
}

}  // namespace oci_oauth
