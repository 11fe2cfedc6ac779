// SPDX-License-Identifier: Apache-2.0
// A piece of a test in a process of its own that is stopped just before a system call: what others do
// meanwhile is what a race would let them do.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <functional>
#include <string>

#include "support/child_process.h"

namespace oci_oauth {

class StoppedProcess {
 public:
  // Returns when the process is about to make `call` (SYS_…) for the first time, or has ended without it.
  // Only the thread that made it may go on with it.
  StoppedProcess(long call, const std::function<std::string()>& body)
      : process_([&] {
          ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
          ::raise(SIGSTOP);
          return body();
        }) {
    int status = 0;
    if (::waitpid(process_.pid(), &status, 0) < 0 || !WIFSTOPPED(status)) return;
    ::ptrace(PTRACE_SETOPTIONS, process_.pid(), nullptr, PTRACE_O_TRACESYSGOOD);
    while (::ptrace(PTRACE_SYSCALL, process_.pid(), nullptr, nullptr) == 0) {
      if (::waitpid(process_.pid(), &status, 0) < 0 || !WIFSTOPPED(status)) return;
      __ptrace_syscall_info info = {};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, process_.pid(), sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && static_cast<long>(info.entry.nr) == call) {
        stopped_ = true;
        return;
      }
    }
  }

  bool is_stopped() const { return stopped_; }
  void go_on() { ::ptrace(PTRACE_DETACH, process_.pid(), nullptr, nullptr); }
  void kill() { ::kill(process_.pid(), SIGKILL); }
  std::string answer() const { return process_.answer(); }

 private:
  ChildProcess process_;
  bool stopped_ = false;
};

}  // namespace oci_oauth
