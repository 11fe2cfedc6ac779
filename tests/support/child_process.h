// SPDX-License-Identifier: Apache-2.0
// A piece of a test that runs in a process of its own, because namespaces are entered for good. It answers
// with text; the assertions stay in the test. Nothing is waited for longer than `child_bound`.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace oci_oauth {

constexpr int child_bound = 20'000;  // milliseconds

// A pipe, as something that one process waits for and another one lets happen.
class Gate {
 public:
  Gate() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) ::abort();
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
  }
  void open() const {
    if (::write(writer_.get(), "x", 1) != 1) ::abort();
  }
  bool wait() const {
    pollfd event = {reader_.get(), POLLIN, 0};
    return ::poll(&event, 1, child_bound) == 1 && (event.revents & POLLIN) != 0;
  }

 private:
  UniqueFd reader_, writer_;
};

// What a child answers if `call` has failed.
inline std::string failed(std::string_view call) {
  return std::string(call) + ": " + std::strerror(errno);
}

class ChildProcess {
 public:
  explicit ChildProcess(const std::function<std::string()>& body) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) ::abort();
    reader_.reset(ends[0]);
    UniqueFd writer(ends[1]);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const std::string answer = body();
    const ssize_t written = ::write(writer.get(), answer.data(), answer.size());
    ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  ~ChildProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // What the body returned; "no answer" where it ended without, or not in time.
  std::string answer() const {
    pollfd event = {reader_.get(), POLLIN, 0};
    char buffer[4096];
    if (::poll(&event, 1, child_bound) != 1) return "no answer";
    const ssize_t count = ::read(reader_.get(), buffer, sizeof buffer);
    return count > 0 ? std::string(buffer, static_cast<size_t>(count)) : "no answer";
  }

 private:
  UniqueFd reader_;
  pid_t pid_ = -1;
};

}  // namespace oci_oauth
