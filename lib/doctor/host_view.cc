// SPDX-License-Identifier: Apache-2.0
#include "doctor/host_view.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <set>
#include <string_view>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "setup/docker_daemon.h"
#include "setup/systemd.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

namespace {

constexpr size_t mountinfo_limit = 1 * MiB;
constexpr size_t root_field = 3, mount_point_field = 4;

// Each call fails or does nothing; only "there is no such call" matters.
bool is_there(long result) {
  return result >= 0 || errno != ENOSYS;
}

bool has_openat2() {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how)));
  return is_there(fd.get());
}

bool has_mount_calls() {
  const UniqueFd tree(::open_tree(AT_FDCWD, "/", OPEN_TREE_CLOEXEC));
  mount_attr attributes = {};
  return is_there(tree.get()) && is_there(::move_mount(-1, "", -1, "", MOVE_MOUNT_F_EMPTY_PATH)) &&
         is_there(::mount_setattr(-1, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

bool has_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

bool is_on_own_file_system(const std::string& directory) {
  const auto inner = file_id({.path = directory}), outer = file_id({.path = parent_directory(directory)});
  return inner && outer && inner->device != outer->device;
}

RuntimeDirectoryView view_runtime_directory(const std::string& path) {
  const auto runtime = RuntimeDir::open_existing(path);
  if (!runtime) return {RuntimeDirectoryView::refused, runtime.error()};
  if (*runtime) {
    return {RuntimeDirectoryView::there,
            {},
            (*runtime)->share_storage() == ShareStorage::memory,
            is_on_own_file_system(path + "/share")};
  }
  std::string parent = path;
  while (parent != "/" && ::access(parent.c_str(), F_OK) != 0) parent = parent_directory(parent);
  if (::access(parent.c_str(), W_OK) != 0)
    return {RuntimeDirectoryView::refused,
            Error::from_errno(errno, fmt::format("{}: cannot be created", path))};
  const auto directory = open_file({.path = parent}, O_PATH);
  return {.is_in_memory = directory && is_in_memory(directory->get())};
}

}  // namespace

std::vector<StrandedContainer> stranded_containers(const std::string& runtime_dir) {
  const std::string shares = fmt::format("/{}/share/", base_name(runtime_dir));
  std::vector<StrandedContainer> found;
  std::set<std::string> seen;  // mount namespaces
  const auto names = names_in({.path = "/proc"});
  if (!names) return found;
  for (const std::string& name : *names) {
    const auto process = number_in<pid_t>(name);
    if (!process) continue;
    const auto mounts = link_target(fmt::format("/proc/{}/ns/mnt", name));
    if (!mounts || !seen.insert(*mounts).second) continue;
    // proc(5): "36 35 0:52 /oci-oauth/share/claude//deleted /run/secrets/claude rw - tmpfs tmpfs rw".
    const auto mountinfo = read_file({.path = fmt::format("/proc/{}/mountinfo", name)}, mountinfo_limit);
    for (std::string_view lines = mountinfo ? std::string_view(*mountinfo) : ""; !lines.empty();) {
      const auto fields = words_in(next_line(lines));
      if (fields.size() <= mount_point_field) continue;
      const std::string_view root = fields[root_field];
      if (root.ends_with("//deleted") && root.find(shares) != std::string_view::npos)
        found.push_back({*process, std::string(fields[mount_point_field])});
    }
  }
  return found;
}

HostView view_of_this_host(const std::string& runtime_dir) {
  HostView view = {
      .scope = scope_of_caller(),
      .is_root = is_host_root(),
      .lingers = lingers(::geteuid()),
      .kernel = {has_openat2(), has_mount_calls(), is_there(::close_range(INT_MAX, INT_MAX, 0)),
                 has_landlock()},
      .runtime_directory = view_runtime_directory(runtime_dir),
      .engines = inspect_engines("/"),
      .docker_has_taken_up = docker_has_taken_up,
      .run = [](const auto& command, Milliseconds bound) { return run_command(command, bound); }};
  const auto host = open_host("/");
  view.has_systemd = host && has_systemd(*host);
  view.has_gvisor = host && has_gvisor(*host);
  if (view.scope == Scope::user) view.stranded = stranded_containers(runtime_dir);
  return view;
}

}  // namespace oci_oauth
