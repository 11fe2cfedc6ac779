// SPDX-License-Identifier: Apache-2.0
// What a test hears on a socket, within a bound.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/wait.h"

namespace oci_oauth {

constexpr auto event_wait = std::chrono::seconds(20);

// Empty: the other side has ended.
inline std::string read_from(int fd) {
  char buffer[100];
  if (!wait_readable(fd, std::chrono::steady_clock::now() + event_wait)) return "nothing in time";
  const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
  return {buffer, static_cast<size_t>(std::max<ssize_t>(count, 0))};
}

}  // namespace oci_oauth
