// SPDX-License-Identifier: Apache-2.0
#include "base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/wait.h"

namespace oci_oauth {

namespace {

constexpr auto longest_death = std::chrono::seconds(5);

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno(errno, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd open_process(pid_t pid) {
  // By number: glibc 2.36 declares pidfd_open(2) without C linkage.
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void expect_children() {
  ::signal(SIGCHLD, SIG_DFL);
}

OpenedInChild open_in_child(int flags, const std::function<int(int number)>& open) {
  UniqueFd slot(::eventfd(0, EFD_CLOEXEC));  // until the child has replaced it
  if (!slot) return {errno};
  expect_children();
  const auto child = static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | SIGCHLD | flags, 0, 0, 0, 0));
  if (child < 0) return {errno};
  if (child == 0) ::_exit(open(slot.get()));
  const ProcessEnd end = Child(child).wait();
  if (end.code() != 0) return {end.signal() == 0 ? end.code() : EINTR};
  return {0, std::move(slot)};
}

int ProcessEnd::signal() const {
  return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
}

int ProcessEnd::code() const {
  return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, 0);
  process_ = std::move(other.process_);
  return *this;
}

int Child::fd() {
  if (!process_ && pid_ != 0) process_ = open_process(pid_);
  return process_.get();
}

void Child::signal(int number) const {
  if (pid_ != 0) ::kill(pid_, number);
}

ProcessEnd Child::wait() {
  int status = 0;
  while (pid_ != 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  process_.reset();
  return ProcessEnd(status);
}

std::optional<ProcessEnd> Child::wait_until(SteadyTime deadline) {
  if (pid_ != 0 && fd() >= 0 && !wait_readable(fd(), deadline)) return std::nullopt;
  return wait();
}

ProcessEnd Child::end() {
  if (pid_ == 0) return ProcessEnd();
  // The id of its group is its own as long as it is not collected; there is none if it leads none.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  const auto collected = wait_until(std::chrono::steady_clock::now() + longest_death);
  release();
  return collected.value_or(ProcessEnd(SIGKILL));
}

}  // namespace oci_oauth
