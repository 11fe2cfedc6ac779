// SPDX-License-Identifier: Apache-2.0
#include "oci/container_process.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "base/wait.h"

namespace oci_oauth {

namespace {

constexpr size_t id_map_limit = 64 * KiB, longest_report = 16 * KiB;
constexpr std::uint32_t no_id = std::numeric_limits<std::uint32_t>::max();  // chown(2): leave it as it is
constexpr int most_parents = 32;  // user_namespaces(7): they cannot be nested deeper

// nsfs gives each namespace an inode: ioctl_ns(2).
Result<bool> shares_user_namespace(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/ns/user", pid);
  const auto its = file_id({.path = path});
  if (!its) return Error::from_errno(errno, path);
  return its == file_id({.path = "/proc/self/ns/user"});
}

Error is_the_hosts(pid_t pid) {
  return {ErrorKind::failed,
          fmt::format("process {} is in the host's mount namespace, not in a container's", pid),
          "give the container its own mount namespace"};
}

Error has_exited(pid_t pid) {
  return {ErrorKind::not_found, fmt::format("process {}: has exited", pid)};
}

Error not_a_map(std::string_view source) {
  return {ErrorKind::failed, fmt::format("{}: is not an id mapping", source)};
}

// `kind`: uid or gid.
Result<std::uint32_t> id_outside(pid_t pid, std::string_view kind, std::uint32_t inside) {
  const std::string path = fmt::format("/proc/{}/{}_map", pid, kind);
  const auto text = TRY(read_file({.path = path}, id_map_limit));
  const auto map = TRY(IdMap::parse(text, path));
  if (const auto id = map.outside(inside)) return *id;
  return Error{ErrorKind::failed,
               fmt::format("{} {} of the container is not mapped to the host", kind, inside),
               "give the container a user namespace that maps it"};
}

std::uint64_t name_of(const std::optional<FileId>& space) {
  return space ? space->inode : 0;
}

Result<UniqueFd> find_user_namespace(pid_t pid, std::uint64_t name) {
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

Result<void> join_user_namespace(pid_t pid, std::uint64_t name) {
  const auto space = TRY(find_user_namespace(pid, name));
  if (::setns(space.get(), CLONE_NEWUSER) == 0) return {};
  return Error::from_errno(errno, fmt::format("join the user namespace of process {}", pid));
}

// A digit for the kind, then message and hint; nothing after success.
std::string report_of(const Result<void>& done) {
  if (done) return "";
  const auto& [kind, message, hint] = done.error();
  return fmt::format("{}{}\n{}", static_cast<int>(kind), message, hint);
}

Result<void> result_of(std::string_view report) {
  if (report.empty()) return {};
  const auto kind = static_cast<ErrorKind>(report.front() - '0');
  report.remove_prefix(1);
  const std::string message(next_line(report));
  return Error{kind, message, std::string(report)};
}

}  // namespace

Result<ContainerProcess> ContainerProcess::open(pid_t pid) {
  if (pid <= 0) {
    return Error{ErrorKind::not_found, "the state does not name a process of the container",
                 "register the hook for the stage createRuntime"};
  }
  UniqueFd fd = open_process(pid);
  if (!fd) return Error::from_errno(errno, fmt::format("pidfd_open of process {}", pid));
  auto ours = TRY(open_file({.path = "/proc/self/ns/mnt"}, O_RDONLY));
  auto its = open_file({.path = fmt::format("/proc/{}/ns/mnt", pid)}, O_RDONLY);
  auto root = open_file({.path = fmt::format("/proc/{}/root", pid)}, O_PATH | O_DIRECTORY);
  if (is_readable(fd.get())) return has_exited(pid);
  if (!its) return std::move(its).error();
  if (is_same_file(file_id(ours.get()), file_id(its->get()))) return is_the_hosts(pid);
  return ContainerProcess(pid, std::move(fd), std::move(ours), std::move(*its), std::move(root));
}

Result<Owner> ContainerProcess::owner_outside(Owner inside) const {
  // The maps of our own user namespace are reported as its parent sees them.
  if (TRY(shares_user_namespace(pid_))) return inside;
  const auto uid = TRY(id_outside(pid_, "uid", inside.uid));
  const auto gid = TRY(id_outside(pid_, "gid", inside.gid));
  if (!is_running()) return has_exited(pid_);
  return Owner{uid, gid};
}

bool ContainerProcess::is_running() const {
  return !is_readable(fd_.get());
}

Result<void> ContainerProcess::enter_mounts() const {
  // The container can inspect a process in its namespaces unless that process is not dumpable.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::setns(fd_.get(), CLONE_NEWNS) == 0) return {};
  return Error::from_errno(errno, fmt::format("setns to the mount namespace of process {}", pid_));
}

void ContainerProcess::leave_mounts() const {
  ::setns(own_mounts_.get(), CLONE_NEWNS);
}

Result<IdMap> IdMap::parse(std::string_view text, std::string_view source) {
  std::string spaced(text);
  std::ranges::replace_if(
      spaced, [](char c) { return c == '\n' || c == '\0'; }, ' ');
  std::vector<std::uint32_t> numbers;
  for (const std::string_view word : words_in(spaced)) {
    const auto number = number_in<std::uint32_t>(word);
    if (!number) return not_a_map(source);
    numbers.push_back(*number);
  }
  if (numbers.size() % 3 != 0) return not_a_map(source);
  IdMap map;
  for (size_t i = 0; i < numbers.size(); i += 3)
    map.ranges_.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  return map;
}

std::optional<std::uint32_t> IdMap::find(std::uint32_t id, std::uint32_t Range::*from,
                                         std::uint32_t Range::*to) const {
  for (const Range& range : ranges_) {
    if (id < range.*from || id - range.*from >= range.count) continue;
    const std::uint64_t found = std::uint64_t{range.*to} + (id - range.*from);
    if (found < no_id) return static_cast<std::uint32_t>(found);
  }
  return std::nullopt;
}

std::uint64_t own_user_namespace() {
  return name_of(file_id({.path = "/proc/self/ns/user"}));
}

Result<void> in_user_namespace(pid_t pid, std::uint64_t name, const std::function<Result<void>()>& action) {
  static const std::uint64_t own = own_user_namespace();  // only child processes ever leave it
  if (name == 0 || name == own) return action();
  auto pipe = TRY(make_pipe());
  auto child = TRY(run_in_child([&] {
    auto done = join_user_namespace(pid, name);
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
