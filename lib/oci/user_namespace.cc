// SPDX-License-Identifier: Apache-2.0
#include "oci/user_namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/unique_fd.h"

namespace oci_oauth {

namespace {

constexpr int most_parents = 32;  // user_namespaces(7): they cannot be nested deeper
constexpr size_t longest_report = 16 * KiB;

std::uint64_t name_of(const std::optional<FileId>& space) {
  return space ? space->inode : 0;
}

Result<UniqueFd> find(pid_t pid, std::uint64_t name) {
  const std::string path = fmt::format("/proc/{}/ns/user", pid);
  const std::string failure = fmt::format("{}: cannot find its engine's user namespace", path);
  UniqueFd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  for (int i = 0; i < most_parents; ++i) {
    if (!space) return Error::from_errno(errno, failure);
    if (name_of(file_id(space.get())) == name) return space;
    UniqueFd parent(::ioctl(space.get(), NS_GET_PARENT));
    if (!parent) return Error::from_errno(errno, failure);
    space = std::move(parent);
  }
  return Error{ErrorKind::failed, failure};
}

Result<void> join(pid_t pid, std::uint64_t name) {
  const auto space = TRY(find(pid, name));
  if (::setns(space.get(), CLONE_NEWUSER) != 0)
    return Error::from_errno(errno, fmt::format("join the user namespace of process {}", pid));
  return {};
}

// One byte for the kind, then message and hint; nothing after success.
std::string report_of(const Result<void>& done) {
  if (done) return "";
  const Error& error = done.error();
  return fmt::format("{}{}\n{}", static_cast<char>('0' + static_cast<int>(error.kind)), error.message,
                     error.hint);
}

Result<void> result_of(const std::string& report) {
  if (report.empty()) return {};
  const size_t end = std::min(report.find('\n'), report.size());
  return Error{static_cast<ErrorKind>(report[0] - '0'), report.substr(1, end - 1),
               report.substr(std::min(end + 1, report.size()))};
}

}  // namespace

std::uint64_t own_user_namespace() {
  return name_of(file_id({.path = "/proc/self/ns/user"}));
}

Result<void> in_user_namespace(pid_t pid, std::uint64_t name, const std::function<Result<void>()>& action) {
  static const std::uint64_t own = own_user_namespace();  // only child processes ever leave it
  if (name == 0 || name == own) return action();
  auto pipe = TRY(make_pipe());
  auto child = TRY(run_in_child([&] {
    auto done = join(pid, name);
    if (done) done = action();
    return write_all(pipe.writing.get(), report_of(done), "report") ? 0 : 1;
  }));
  pipe.writing.reset();
  const auto report = read_to_end(pipe.reading.get(), longest_report, "report");
  if (!report || child.wait().code() != 0)
    return Error{ErrorKind::failed, "the child in the engine's user namespace exited early"};
  return result_of(*report);
}

}  // namespace oci_oauth
