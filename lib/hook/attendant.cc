// SPDX-License-Identifier: Apache-2.0
#include "hook/attendant.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/child.h"
#include "base/spawn.h"
#include "base/wait.h"
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

// Replaces this process by the command. Result: only a failure.
int execute(const std::vector<std::string>& command) {
  const auto arguments = pointers_to(command);
  const char* const environment[] = {system_path, nullptr};
  reset_for_program();
  ::fcntl(lock_fd, F_SETFD, 0);
  ::execve(arguments[0], arguments.data(), const_cast<char* const*>(environment));
  return 127;
}

void wait_for_any(std::vector<pollfd> ends) {
  (void)wait_readable(ends, SteadyTime::max());
}

// Tells the caller that the command has ended. Result: whether the caller reaps us. Otherwise it has exited.
bool is_awaited() {
  char byte = 0;
  return ::send(socket_fd, "", 1, MSG_NOSIGNAL) == 1 && ::read(socket_fd, &byte, 1) == 1;
}

int attend(const std::vector<std::string>& command, pid_t runtime) {
  ::setsid();
  auto child = run_in_child([&] { return execute(command); });
  close_fd(lock_fd);  // only the command keeps it, because others wait for its end
  if (child) child->wait();
  if (!is_awaited()) {
    // Only then is it known whose child we are. An init process reaps everything.
    wait_for_any({readable(caller_fd)});
    if (runtime > 1 && ::getppid() == runtime) wait_for_any({readable(container_fd), readable(runtime_fd)});
  }
  return 0;
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
  auto child = TRY(run_in_child([&] {
    keep_only({lock, theirs.get(), caller_process.get(), container, runtime_process.get()});
    return attend(command, runtime);
  }));
  return Attendant(std::move(child), std::move(ours));
}

void Attendant::wait(SteadyTime deadline) && {
  if (!wait_readable(socket_.get(), deadline)) return;
  char byte = 0;
  // If there is nothing to read, it was killed.
  if (::read(socket_.get(), &byte, 1) == 1) (void)!::send(socket_.get(), "", 1, MSG_NOSIGNAL);
  child_.wait();
}

}  // namespace oci_oauth
