// SPDX-License-Identifier: Apache-2.0
#include "hook/attendant.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/process.h"
#include "hook/inherited.h"

namespace oci_oauth {

namespace {

void close_fd(int fd) {
  ::close_range(static_cast<unsigned>(fd), static_cast<unsigned>(fd), 0);
}

// The descriptors that the attendant keeps, at fixed numbers.
constexpr int lock_fd = 3, socket_fd = 4, caller_fd = 5, container_fd = 6, runtime_fd = 7;

// Closes everything else: the caller's directories, and its standard streams, because runc waits until they
// are closed.
void keep_only(std::array<int, 5> kept) {
  for (int& fd : kept) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, runtime_fd + 1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < lock_fd; ++fd) ::dup2(null, fd);
  for (int i = 0; i < static_cast<int>(kept.size()); ++i) {
    const int fd = lock_fd + i;
    if (::dup3(kept[static_cast<size_t>(i)], fd, O_CLOEXEC) < 0) close_fd(fd);
  }
  ::close_range(runtime_fd + 1, ~0U, 0);
}

[[noreturn]] void run(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
  reset_for_program();
  ::fcntl(lock_fd, F_SETFD, 0);
  ::execve(arguments[0], arguments.data(), const_cast<char* const*>(environment));
  ::_exit(127);
}

bool becomes_readable(std::vector<pollfd> any, int milliseconds) {
  int ready = 0;
  while ((ready = ::poll(any.data(), any.size(), milliseconds)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

pollfd readable(int fd) {
  return {.fd = fd, .events = POLLIN, .revents = 0};
}

// Tells the caller that the command has ended. Result: whether the caller reaps us. Otherwise it has exited.
bool is_awaited() {
  char byte = 0;
  return ::send(socket_fd, "", 1, MSG_NOSIGNAL) == 1 && ::read(socket_fd, &byte, 1) == 1;
}

[[noreturn]] void attend(const std::vector<std::string>& command, pid_t runtime) {
  ::setsid();
  const pid_t child = ::fork();
  if (child == 0) run(command);
  close_fd(lock_fd);  // only the command keeps it, because others wait for its end
  if (child > 0) reap(child);
  if (!is_awaited()) {
    // Only then is it known whose child we are. An init process reaps everything.
    becomes_readable({readable(caller_fd)}, -1);
    if (runtime > 1 && ::getppid() == runtime)
      becomes_readable({readable(container_fd), readable(runtime_fd)}, -1);
  }
  ::_exit(0);
}

}  // namespace

Result<Attendant> Attendant::start(const std::vector<std::string>& command, int lock, int container) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno(errno, "socketpair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t runtime = ::getppid();
  const UniqueFd caller_process = open_process(::getpid()), runtime_process = open_process(runtime);
  if (!caller_process) return Error::from_errno(errno, "pidfd_open");
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "fork");
  if (child == 0) {
    keep_only({lock, theirs.get(), caller_process.get(), container, runtime_process.get()});
    attend(command, runtime);
  }
  return Attendant(child, std::move(ours));
}

void Attendant::wait(SteadyTime deadline) && {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
  const auto milliseconds = static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0));
  if (!becomes_readable({readable(socket_.get())}, milliseconds)) return;
  char byte = 0;
  // If there is nothing to read, it was killed.
  if (::read(socket_.get(), &byte, 1) == 1) (void)!::send(socket_.get(), "", 1, MSG_NOSIGNAL);
  reap(child_);
}

}  // namespace oci_oauth
