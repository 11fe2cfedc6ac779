// SPDX-License-Identifier: Apache-2.0
// How many system calls a piece of a test makes, and how much it reads: a cost that does not depend on how
// busy the machine is.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdint>
#include <functional>

#include "support/child_process.h"

namespace oci_oauth {

struct CountedCalls {
  unsigned calls = 0;
  long bytes_read = 0;
  friend bool operator==(const CountedCalls&, const CountedCalls&) = default;
};

// How often these come depends on what was allocated before, and with sanitizers on chance.
inline bool is_of_allocator(std::uint64_t number) {
  return number == SYS_brk || number == SYS_mmap || number == SYS_munmap || number == SYS_mremap ||
         number == SYS_mprotect || number == SYS_madvise;
}

// Of `body`, in a child.
inline CountedCalls count_calls(const std::function<void()>& body) {
  const ChildProcess child([&] {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    body();
    ::raise(SIGSTOP);
    return "done";
  });
  CountedCalls counted;
  int status = 0;
  if (::waitpid(child.pid(), &status, 0) < 0 || !WIFSTOPPED(status)) return counted;
  ::ptrace(PTRACE_SETOPTIONS, child.pid(), nullptr, PTRACE_O_TRACESYSGOOD);
  bool is_read = false;
  while (::ptrace(PTRACE_SYSCALL, child.pid(), nullptr, nullptr) == 0) {
    if (::waitpid(child.pid(), &status, 0) < 0 || !WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP) break;
    __ptrace_syscall_info info = {};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, child.pid(), sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      if (!is_of_allocator(info.entry.nr)) ++counted.calls;
      is_read = info.entry.nr == SYS_read || info.entry.nr == SYS_pread64;
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && is_read && info.exit.rval > 0) {
      counted.bytes_read += static_cast<long>(info.exit.rval);
    }
  }
  return counted;
}

}  // namespace oci_oauth
