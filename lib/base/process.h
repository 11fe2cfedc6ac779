// SPDX-License-Identifier: Apache-2.0
// Processes, identified even if a pid is reused; and what this one may do, is told, and is installed at.
#pragma once

#include <stdlib.h>
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

// Failure: not_found if there is no such process.
Result<ProcessId> identify_process(pid_t pid);

// A process that is checked repeatedly, through one descriptor of /proc/PID/stat, so that another process
// with the same pid is not mistaken for it.
class WatchedProcess {
 public:
  explicit WatchedProcess(const ProcessId& process);

  // A zombie counts as ended.
  bool is_running() const;

 private:
  std::uint64_t start_time_;
  UniqueFd stat_;
};

// The same, for a single check.
bool is_running(const ProcessId& process);

// True for uid 0 in the initial user namespace: what user_namespaces(7) calls privileged on the whole host.
bool is_host_root();

// Disables core dumps, and ptrace(2) by the user's other processes, for a process that handles tokens.
void keep_memory_private();

// The directory prefix of the running program's installation: PREFIX of PREFIX/bin/PROGRAM after `levels`
// parents.
Result<std::string> installation_prefix(unsigned levels);

// The environment of this process, secure_getenv(3).
//
// As getenv(3): nullptr for a name that is not set. Of a user whose environment is not known, a function that
// finds nothing.
using GetEnvironment = const char* (*)(const char* name);

inline const char* own_environment(const char* name) {
  return ::secure_getenv(name);
}

// Empty if it is not set.
inline std::string_view from_environment(const char* name) {
  const char* value = own_environment(name);
  return value == nullptr ? "" : value;
}

}  // namespace oci_oauth
