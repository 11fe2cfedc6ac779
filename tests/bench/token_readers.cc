// SPDX-License-Identifier: Apache-2.0
// Many containers' view of one directory: `token-readers COUNT DIR` starts COUNT processes, each in a mount
// namespace of its own with DIR mounted in it, prints "ready", and at the next new DIR/token looks for it
// through each of them, a share on each processor. Prints when the first and when the last could read it, in
// microseconds since the epoch, once each has read it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"

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

// Each container's own mount of the directory: a process in it has no way through /proc to go.
std::vector<UniqueFd> open_in_each(const std::vector<pid_t>& pids, const char* directory) {
  std::vector<UniqueFd> views;
  for (const pid_t pid : pids) {
    auto view = open_file({.path = fmt::format("/proc/{}/root{}", pid, directory)}, O_PATH | O_DIRECTORY);
    if (!view) give_up(view.error().message);
    views.push_back(std::move(*view));
  }
  return views;
}

ino_t inode_of_token(const UniqueFd& view) {
  struct stat status;
  check(::fstatat(view.get(), "token", &status, 0) == 0, "fstatat");
  return status.st_ino;
}

std::int64_t microseconds_since_epoch() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
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

struct Arrivals {
  std::int64_t first = 0, last = 0;
};

// Looks through each view once there is another token.
void look_through(std::span<const UniqueFd> views, ino_t old, int watch, Arrivals& arrivals) {
  wait_for_token(watch);
  for (const UniqueFd& view : views) {
    if (inode_of_token(view) == old) give_up("a container has no new token");
    arrivals.last = microseconds_since_epoch();
    if (arrivals.first == 0) arrivals.first = arrivals.last;
  }
}

// As a program in the container does.
void read_through(const UniqueFd& view, std::string_view old) {
  const auto token = read_file({.directory = view.get(), .path = "token"}, MiB);
  if (!token || *token == old) give_up("a container reads no new token");
}

}  // namespace

int main(int argc, char** argv) {
  unsigned count = 0;
  if (argc == 3) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  if (count == 0) give_up("usage: token-readers COUNT DIR");
  const char* const directory = argv[2];
  const auto old = read_file({.path = fmt::format("{}/token", directory)}, MiB);
  if (!old) give_up(old.error().message);

  rlimit files;
  check(::getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
  files.rlim_cur = files.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
  const std::vector<pid_t> pids = start_containers(count, directory);
  const std::vector<UniqueFd> views = open_in_each(pids, directory);
  const ino_t old_inode = inode_of_token(views.front());
  const size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const size_t share = (views.size() + processors - 1) / processors;
  std::vector<Arrivals> arrivals(processors);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < processors && i * share < views.size(); ++i) {
      const int watch = ::inotify_init1(IN_CLOEXEC);
      check(::inotify_add_watch(watch, directory, IN_MOVED_TO) >= 0, "inotify_add_watch");
      const auto part = std::span(views).subspan(i * share, std::min(share, views.size() - i * share));
      threads.emplace_back([&, part, watch, i] { look_through(part, old_inode, watch, arrivals[i]); });
    }
    say("ready\n");
  }
  for (const UniqueFd& view : views) read_through(view, *old);
  Arrivals all = arrivals.front();
  for (const Arrivals& some : arrivals) {
    if (some.first == 0) continue;
    all = {std::min(all.first, some.first), std::max(all.last, some.last)};
  }
  say(fmt::format("{} {}\n", all.first, all.last));
  for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  while (::wait(nullptr) > 0) {
  }
}
