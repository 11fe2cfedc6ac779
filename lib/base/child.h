// SPDX-License-Identifier: Apache-2.0
// A child process that is reaped exactly once. Guards against zombies, and against signals to another process
// with its pid.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace oci_oauth {

struct Pipe {
  UniqueFd reading, writing;
};
// pipe2(2), closed on exec.
Result<Pipe> make_pipe();

// pidfd_open(2), Linux 5.3: readable once the process has ended. Result: empty, with errno, if there is no
// such process.
UniqueFd open_process(pid_t pid);

// How a process ended, as wait(2) reports it.
class ProcessEnd {
 public:
  explicit ProcessEnd(int status = 0) : status_(status) {}
  int signal() const;  // that killed it; 0: it has exited
  int code() const;    // its exit status; 128 + N after signal N, as shells have it

 private:
  int status_;
};

class Child {
 public:
  Child() = default;                        // of no process
  explicit Child(pid_t pid) : pid_(pid) {}  // takes over a child that was just started
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), process_(std::move(other.process_)) {}
  Child& operator=(Child&& other) noexcept;
  // Kills a process that has not been waited for.
  ~Child() { end(); }

  explicit operator bool() const { return pid_ != 0; }  // false once it is reaped
  pid_t pid() const { return pid_; }
  int fd();  // as open_process(), opened by the first call

  void signal(int number) const;
  // Waits for its end, and reaps it.
  ProcessEnd wait();
  // The same, but nullopt if it still runs at `deadline`.
  std::optional<ProcessEnd> wait_until(SteadyTime deadline);
  // Kills it and, if it leads one, its process group, and reaps it; a process that the kernel keeps for
  // longer is left to init.
  ProcessEnd end();
  // Lets it run on; somebody else reaps it.
  void release() { pid_ = 0; }

 private:
  pid_t pid_ = 0;
  UniqueFd process_;
};

// Children can be waited for, even if the caller of this program had SIGCHLD ignored: wait(2). Called before
// each is started.
void expect_children();

// A descriptor from a child that may enter other namespaces: it shares the caller's descriptors, and `open`
// puts one at the number that it is given. `flags`: of clone(2), besides. Result: 0 or the error number,
// which is the child's exit status, with the descriptor.
struct OpenedInChild {
  int failure = 0;
  UniqueFd fd = {};
};
OpenedInChild open_in_child(int flags, const std::function<int(int number)>& open);

// fork(2). The child runs `work`, and its result is the exit status; 1 after an exception, which must not
// reach the parent's code. Failure: names the call.
Result<Child> run_in_child(const auto& work) {
  expect_children();
  const pid_t pid = ::fork();
  if (pid < 0) return Error::from_errno(errno, "fork");
  if (pid > 0) return Child(pid);
  try {
    ::_exit(work());
  } catch (const std::exception&) {
    ::_exit(1);
  }
}

}  // namespace oci_oauth
