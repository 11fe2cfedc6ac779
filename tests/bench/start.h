// SPDX-License-Identifier: Apache-2.0
// Starts a program as a runtime starts a hook: with an input of its own, and nobody who reads what it prints.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/file.h"

namespace oci_oauth::bench {

// Ends the measurement: a figure of something that failed would be none.
[[noreturn]] inline void give_up(const std::string& why) {
  (void)write_all(STDERR_FILENO, fmt::format("bench: error: {}\n", why), "stderr");
  ::_exit(1);
}

// Its stderr is ours. `command` must outlive it.
class Start {
 public:
  Start(const std::vector<std::string>& command, const std::string& standard_input) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, standard_input.c_str(), O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (const std::string& word : command) arguments_.push_back(const_cast<char*>(word.c_str()));
    arguments_.push_back(nullptr);
  }
  ~Start() { ::posix_spawn_file_actions_destroy(&actions_); }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  pid_t run() const {
    pid_t pid = 0;
    const int reason = ::posix_spawn(&pid, arguments_[0], &actions_, nullptr, arguments_.data(), environ);
    if (reason != 0) give_up(fmt::format("{}: {}", arguments_[0], strerrordesc_np(reason)));
    return pid;
  }

  // Returns what the process used, once it has ended well.
  rusage wait_for(pid_t pid) const {
    int status = 0;
    rusage usage = {};
    while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    if (status != 0) give_up(fmt::format("{}: ended with status {:#x}", arguments_[0], status));
    return usage;
  }

 private:
  posix_spawn_file_actions_t actions_;
  std::vector<char*> arguments_;
};

}  // namespace oci_oauth::bench
