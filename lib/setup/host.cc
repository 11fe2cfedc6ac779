// SPDX-License-Identifier: Apache-2.0
#include "setup/host.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "config/config.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

constexpr size_t file_limit = MiB;

std::string absolute_from_environment(const char* name, const std::string& otherwise) {
  const std::string_view value = from_environment(name);
  return value.starts_with('/') ? std::string(value) : otherwise;
}

// The running program's installation; if it is in the tree itself, as a path in the tree.
std::string prefix_in(const Tree& tree) {
  const auto prefix = installation_prefix(levels_of_command);
  if (!prefix || !prefix->starts_with('/')) return "/usr";
  if (tree.is_host() || !prefix->starts_with(tree.root() + "/")) return *prefix;
  return prefix->substr(tree.root().size());
}

}  // namespace

Result<Tree> Tree::open(const std::string& root) {
  std::string absolute = root;
  if (auto real = real_path(root)) absolute = std::move(*real);
  auto fd = TRY(open_file({.path = absolute}, O_PATH | O_DIRECTORY));
  return Tree(std::move(absolute), std::move(fd));
}

Result<Tree> Tree::of_process(pid_t pid) {
  return Tree("/", TRY(open_file({.path = fmt::format("/proc/{}/root", pid)}, O_PATH | O_DIRECTORY)));
}

std::string Tree::shown(std::string_view path) const {
  return is_host() ? std::string(path) : root_ + std::string(path);
}

Result<UniqueFd> Tree::open_in(const std::string& path, int flags) const {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how);
  if (fd < 0) return Error::from_errno(errno, shown(path));
  return UniqueFd(static_cast<int>(fd));
}

Result<Tree::Place> Tree::locate(const std::string& path) const {
  auto file = open_in(path, O_PATH);
  if (file) {
    const std::string real = TRY(link_target(fmt::format("/proc/self/fd/{}", file->get())));
    const std::string inside = real.substr(is_host() ? 0 : root_.size());
    auto directory = TRY(open_in(parent_directory(inside), O_RDONLY | O_DIRECTORY));
    return Place{std::move(directory), base_name(real), shown(path)};
  }
  if (file.error().kind != ErrorKind::not_found) return std::move(file).error();
  auto directory = TRY(open_in(parent_directory(path), O_RDONLY | O_DIRECTORY));
  std::string name = base_name(path);
  struct stat status;
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return Error{ErrorKind::failed, shown(path) + ": is a dangling symbolic link"};
  }
  return Place{std::move(directory), std::move(name), shown(path)};
}

Result<std::optional<std::string>> Tree::read(const std::string& path) const {
  const auto place = locate(path);
  auto text = place
                  ? read_file({place->directory.get(), place->name, place->shown}, file_limit, Links::refused)
                  : place.error();
  if (text) return std::optional<std::string>(std::move(*text));
  if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
  return std::move(text).error();
}

std::string Tree::text_of(const std::string& path) const {
  auto text = read(path);
  return text && *text ? std::move(**text) : "";
}

bool Tree::exists(const std::string& path) const {
  return open_in(path, O_PATH).has_value();
}

bool Tree::is_read_only(const std::string& directory) const {
  std::string at = directory;
  while (at != "/" && !exists(at)) at = parent_directory(at);
  const auto fd = open_in(at, O_RDONLY | O_DIRECTORY);
  return fd && oci_oauth::is_read_only(fd->get());
}

std::vector<std::string> Tree::list(const std::string& directory) const {
  const auto fd = open_in(directory, O_RDONLY | O_DIRECTORY);
  auto names = fd ? names_in({fd->get(), ".", directory}) : fd.error();
  if (!names) return {};
  std::erase_if(*names, [](const std::string& name) { return name.starts_with('.'); });
  std::ranges::sort(*names);
  return *std::move(names);
}

std::string Tree::find_program(std::string_view program) const {
  if (program.empty()) return "";  // else the first directory
  for (const char* directory :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    std::string path = fmt::format("{}/{}", directory, program);
    if (exists(path)) return path;
  }
  return "";
}

Result<void> Tree::write(const std::string& path, std::string_view text, mode_t mode) const {
  auto place = TRY(locate(path));
  AtomicFile::Options options = {.mode = mode};
  struct stat status;
  if (::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    options.mode = status.st_mode & 07777;
    if (status.st_uid != ::geteuid() || status.st_gid != ::getegid())
      options.owner = {status.st_uid, status.st_gid};
  }
  auto file =
      TRY(AtomicFile::create(place.directory.get(), place.name, parent_directory(place.shown), options));
  TRY(file.write(text));
  TRY(file.sync());
  return file.commit();
}

Result<void> Tree::remove(const std::string& path) const {
  auto place = TRY(locate(path));
  if (::unlinkat(place.directory.get(), place.name.c_str(), 0) != 0)
    return Error::from_errno(errno, place.shown);
  return {};
}

std::vector<std::string> Tree::missing_directories(const std::string& path) const {
  std::vector<std::string> missing;
  for (std::string at = path; at != "/" && at != "." && !exists(at); at = parent_directory(at))
    missing.push_back(at);
  std::ranges::reverse(missing);
  return missing;
}

Result<void> Tree::make_directories(const std::string& path) const {
  for (const std::string& directory : missing_directories(path)) {
    auto parent = TRY(open_in(parent_directory(directory), O_RDONLY | O_DIRECTORY));
    if (::mkdirat(parent.get(), base_name(directory).c_str(), 0755) == 0) continue;
    return Error::from_errno(errno, fmt::format("{}: mkdir", shown(directory)));
  }
  return {};
}

bool Tree::remove_directory(const std::string& path) const {
  const auto parent = open_in(parent_directory(path), O_RDONLY | O_DIRECTORY);
  return parent && ::unlinkat(parent->get(), base_name(path).c_str(), AT_REMOVEDIR) == 0;
}

Result<Host> open_host(const std::string& root) {
  auto tree = TRY(Tree::open(root));
  std::string prefix = prefix_in(tree);
  if (!tree.is_host() || scope_of_caller() == Scope::system) {
    return Host{.tree = std::move(tree),
                .prefix = std::move(prefix),
                .config = system_config,
                .ledger_path = "/var/lib/oci-oauth/install.json"};
  }
  const std::string home = absolute_from_environment("HOME", "");
  const std::string runtime = absolute_from_environment("XDG_RUNTIME_DIR", "");
  if (home.empty() || runtime.empty()) {
    return Error{ErrorKind::configuration,
                 fmt::format("{} does not name a directory", home.empty() ? "HOME" : "XDG_RUNTIME_DIR"),
                 "log in as this user; for the whole machine: sudo $0"};
  }
  const std::string config_home = absolute_from_environment("XDG_CONFIG_HOME", home + "/.config");
  const std::string state_home = absolute_from_environment("XDG_STATE_HOME", home + "/.local/state");
  return Host{.tree = std::move(tree),
              .scope = Scope::user,
              .prefix = std::move(prefix),
              .config = config_path(Scope::user),
              .ledger_path = state_home + "/oci-oauth/install.json",
              .runtime_dir = default_runtime_dir(Scope::user),
              .config_home = config_home,
              .data_home = absolute_from_environment("XDG_DATA_HOME", home + "/.local/share")};
}

}  // namespace oci_oauth
