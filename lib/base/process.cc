// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

// include/uapi/linux/nsfs.h of Linux 6.18, and the kernel's own since 3.8: it has no other name for it.
constexpr ino_t initial_user_namespace = 0xEFFFFFFD;
constexpr size_t stat_size = 1024;  // more than the fields up to 22

struct Stat {
  char state;
  std::uint64_t start_time;
};

Result<UniqueFd> open_stat(pid_t pid) {
  return open_file({.path = fmt::format("/proc/{}/stat", pid)}, O_RDONLY);
}

// Failure: not_found once the process has ended, even if its pid is in use again.
Result<Stat> read_stat(int fd) {
  char buffer[stat_size];
  const ssize_t size = ::pread(fd, buffer, sizeof buffer, 0);
  if (size < 0) {
    const auto kind = errno == ESRCH ? ErrorKind::not_found : ErrorKind::failed;
    return Error{kind, Error::from_errno(errno, "stat").message};
  }
  const std::string_view text(buffer, static_cast<size_t>(size));
  std::string_view fields = text.substr(std::min(text.rfind(')') + 2, text.size()));
  const char state = fields.empty() ? '?' : fields.front();
  for (int field = 3; field < 22; ++field) next_part(fields, ' ');
  return Stat{state, number_in<std::uint64_t>(next_part(fields, ' ')).value_or(0)};
}

}  // namespace

Result<ProcessId> identify_process(pid_t pid) {
  if (pid <= 0) return Error{ErrorKind::not_found, fmt::format("process {}: no such process", pid)};
  auto fd = open_stat(pid);
  auto stat = fd ? read_stat(fd->get()) : Result<Stat>(std::move(fd).error());
  if (!stat) return std::move(stat).error().in(fmt::format("process {}", pid));
  return ProcessId{pid, stat->start_time};
}

WatchedProcess::WatchedProcess(const ProcessId& process) : start_time_(process.start_time) {
  if (auto fd = open_stat(process.pid)) stat_ = std::move(*fd);
}

bool WatchedProcess::is_running() const {
  const auto stat = read_stat(stat_.get());
  return stat && stat->start_time == start_time_ && stat->state != 'Z' && stat->state != 'X';
}

bool is_running(const ProcessId& process) {
  return WatchedProcess(process).is_running();
}

bool is_host_root() {
  const auto space = file_id({.path = "/proc/self/ns/user"});
  return space && space->inode == initial_user_namespace && ::geteuid() == 0;
}

void keep_memory_private() {
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0);
}

Result<std::string> installation_prefix(unsigned levels) {
  const std::string path = TRY(link_target("/proc/self/exe"));
  std::string_view prefix = path;
  for (unsigned i = 0; i <= levels && !prefix.empty(); ++i) prefix = prefix.substr(0, prefix.rfind('/'));
  return std::string(prefix);
}

}  // namespace oci_oauth
