// SPDX-License-Identifier: Apache-2.0
// Names a process so that a reused pid is never taken for it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot: field 22 of /proc/PID/stat, proc(5)

  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

// Failure: not_found where no such process runs.
Result<ProcessId> identify_process(pid_t pid);

// Field 22 of the text of /proc/PID/stat, whose second field may hold any character; 0 where there is none.
std::uint64_t start_time_of_stat(std::string_view stat);

// pidfd_open(2), Linux 5.3: readable once the process has ended. Result: empty where there is none.
UniqueFd open_process(pid_t pid);

// Waits for the end of a child. Result: wait(2)'s status; 0 where it is no child of ours.
int reap(pid_t child);

// A process that is looked at again and again, through one descriptor of /proc/PID/stat: whoever has its pid
// later is not taken for it.
class WatchedProcess {
 public:
  explicit WatchedProcess(const ProcessId& process);

  // A zombie counts as gone.
  bool is_running() const;

 private:
  std::uint64_t start_time_;
  UniqueFd stat_;
};

// The same, for one look.
bool is_running(const ProcessId& process);

// True in the initial user namespace with uid 0: what user_namespaces(7) calls privileged on the whole host.
bool is_host_root();

// No core dump, and no ptrace(2) by the user's other processes: for a process that tokens pass through.
void keep_memory_private();

// The directory prefix of the running program's installation: PREFIX of PREFIX/bin/PROGRAM after `levels`
// parents.
Result<std::string> installation_prefix(unsigned levels);

}  // namespace oci_oauth
