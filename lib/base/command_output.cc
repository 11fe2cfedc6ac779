// SPDX-License-Identifier: Apache-2.0
#include "base/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "base/size.h"
#include "base/unique_fd.h"

namespace oci_oauth {

namespace {

constexpr size_t output_limit = 256 * KiB;

class SpawnSettings {
 public:
  SpawnSettings(int out, int err) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  Result<pid_t> spawn(const std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = -1;
    const int failure =
        ::posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ);
    if (failure != 0) return Error::from_errno(failure, command.front());
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

struct Stream {
  UniqueFd fd;  // -1 once it has ended
  std::string& text;

  void read_some() {
    char buffer[4096];
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count <= 0) return fd.reset();
    text.append(buffer, std::min(static_cast<size_t>(count), output_limit - text.size()));
  }
};

// Waits until both streams and the process, a pidfd, have ended. Result: false at the time limit.
bool read_to_end(Stream& out, Stream& err, UniqueFd process, SteadyTime deadline) {
  while (out.fd || err.fd || process) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd events[] = {{out.fd.get(), POLLIN, 0}, {err.fd.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
    const int ready = ::poll(events, 3, static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (events[0].revents != 0) out.read_some();
    if (events[1].revents != 0) err.read_some();
    if (events[2].revents != 0) process.reset();
  }
  return true;
}

int wait_for(pid_t pid) {
  const int status = reap(pid);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<CommandOutput> run_command(const std::vector<std::string>& command, Milliseconds bound) {
  int out_ends[2], err_ends[2];
  if (::pipe2(out_ends, O_CLOEXEC) != 0) return Error::from_errno(errno, "pipe");
  CommandOutput output;
  Stream out = {UniqueFd(out_ends[0]), output.out};
  UniqueFd out_writer(out_ends[1]);
  if (::pipe2(err_ends, O_CLOEXEC) != 0) return Error::from_errno(errno, "pipe");
  Stream err = {UniqueFd(err_ends[0]), output.err};
  UniqueFd err_writer(err_ends[1]);

  const auto pid = TRY(SpawnSettings(out_writer.get(), err_writer.get()).spawn(command));
  out_writer.reset();
  err_writer.reset();
  const SteadyTime deadline = std::chrono::steady_clock::now() + bound;
  // By number, because glibc 2.36 declares pidfd_open(2) without C linkage.
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int failure = process ? 0 : errno;
  const bool ended = process && read_to_end(out, err, std::move(process), deadline);
  if (!ended) ::kill(-pid, SIGKILL);
  output.status = wait_for(pid);
  if (ended) return output;
  if (failure != 0) return Error::from_errno(failure, fmt::format("pidfd_open of {}", command.front()));
  return Error{ErrorKind::temporary,
               fmt::format("{}: no answer within {}", command.front(), describe(bound))};
}

bool is_in_path(const std::string& program) {
  const char* const value = std::getenv("PATH");
  std::string_view path = value == nullptr ? "" : value;
  while (!path.empty()) {
    const size_t colon = std::min(path.find(':'), path.size());
    const std::string file = fmt::format("{}/{}", path.substr(0, colon), program);
    if (::access(file.c_str(), X_OK) == 0) return true;
    path.remove_prefix(std::min(colon + 1, path.size()));
  }
  return false;
}

}  // namespace oci_oauth
