// SPDX-License-Identifier: Apache-2.0
// Many containers' view of one directory: `token-readers COUNT DIR` starts COUNT processes, each in a mount
// namespace of its own with DIR mounted in it, prints "ready", and at the next new DIR/token reads it through
// each of them. Prints when the last had it, in seconds since the epoch.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/size.h"

using namespace oci_oauth;

namespace {

[[noreturn]] void give_up(std::string_view why) {
  (void)write_all(STDERR_FILENO, fmt::format("token-readers: error: {}\n", why), "stderr");
  ::_exit(1);
}

void check(bool done, std::string_view call) {
  if (!done) give_up(Error::from_errno(errno, call).message);
}

void say(std::string_view line) {
  if (!write_all(STDOUT_FILENO, line, "stdout")) ::_exit(1);
}

// Ends with its parent.
[[noreturn]] void be_a_container(const char* directory, int ready) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
  check(::unshare(CLONE_NEWNS) == 0, "unshare");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount");
  check(::mount(directory, directory, nullptr, MS_BIND, nullptr) == 0, "mount");
  check(::write(ready, "", 1) == 1, "write");
  while (true) ::pause();
}

std::vector<pid_t> start_containers(unsigned count, const char* directory) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "pipe");
  std::vector<pid_t> pids;
  for (unsigned i = 0; i < count; ++i) {
    const pid_t pid = ::fork();
    check(pid >= 0, "fork");
    if (pid == 0) be_a_container(directory, ends[1]);
    pids.push_back(pid);
  }
  ::close(ends[1]);
  char byte = 0;
  for (unsigned i = 0; i < count; ++i) check(::read(ends[0], &byte, 1) == 1, "read");
  return pids;
}

void wait_for_token(int watch) {
  alignas(inotify_event) char buffer[4096];
  while (true) {
    const ssize_t size = ::read(watch, buffer, sizeof buffer);
    check(size > 0, "inotify");
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      if (std::string_view(buffer + at + sizeof event) == "token") return;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  unsigned count = 0;
  if (argc == 3) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  if (count == 0) give_up("usage: token-readers COUNT DIR");
  const char* const directory = argv[2];
  const auto old = read_file({.path = fmt::format("{}/token", directory)}, MiB);
  if (!old) give_up(old.error().message);

  const std::vector<pid_t> pids = start_containers(count, directory);
  const int watch = ::inotify_init1(IN_CLOEXEC);
  check(::inotify_add_watch(watch, directory, IN_MOVED_TO) >= 0, "inotify_add_watch");
  say("ready\n");
  wait_for_token(watch);
  for (const pid_t pid : pids) {
    const auto token = read_file({.path = fmt::format("/proc/{}/root{}/token", pid, directory)}, MiB);
    if (!token || *token == *old) give_up("a container has no new token");
  }
  const std::chrono::duration<double> last = std::chrono::system_clock::now().time_since_epoch();
  say(fmt::format("{:.6f}\n", last.count()));
  for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  while (::wait(nullptr) > 0) {
  }
}
