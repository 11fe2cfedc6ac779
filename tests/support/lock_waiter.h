// SPDX-License-Identifier: Apache-2.0
// When a process has come to wait for a lock, which nothing but the kernel can tell.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace oci_oauth::test {

// proc(5): a lock that somebody waits for is followed by "N: -> FLOCK ADVISORY READ PID …". False when
// `patience` passes first.
inline bool comes_to_wait(pid_t process, std::chrono::seconds patience = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const std::string id = fmt::format(" {} ", process);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
      if (line.find("->") != std::string::npos && line.find(id) != std::string::npos) return true;
    }
    std::this_thread::yield();
  }
  return false;
}

}  // namespace oci_oauth::test
