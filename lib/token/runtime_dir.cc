// SPDX-License-Identifier: Apache-2.0
#include "token/runtime_dir.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/process.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t published_limit = 64 * KiB;

// Opens `name` in `parent`; makes it first when it is missing. The mode is set only on a directory that is
// new.
Result<UniqueFd> make_directory(int parent, const std::string& name, mode_t mode, const std::string& shown) {
  const auto open = [&] { return open_file({parent, name, shown}, O_RDONLY | O_DIRECTORY | O_NOFOLLOW); };
  auto existing = open();
  if (existing || existing.error().kind != ErrorKind::not_found) return existing;
  if (::mkdirat(parent, name.c_str(), 0700) == 0) {
    if (::fchmodat(parent, name.c_str(), mode, 0) != 0) return Error::from_errno(errno, shown + ": chmod");
  } else if (errno != EEXIST) {
    return Error::from_errno(errno, shown + ": mkdir");
  }
  return open();
}

Result<void> check_private(int directory, const std::string& path) {
  struct stat status;
  if (::fstat(directory, &status) != 0) return Error::from_errno(errno, path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: belongs to uid {} with mode {:04o}, not to uid {} alone", path,
                             status.st_uid, status.st_mode & 07777, ::geteuid()),
                 fmt::format("chown {} {} && chmod 0700 {}", ::geteuid(), path, path)};
  }
  return {};
}

// A directory of somebody else's is named as such: "permission denied" alone would not tell whom to ask.
Error refused_to_look(const std::string& path, Error error) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return error;
  return {ErrorKind::failed,
          fmt::format("{}: belongs to uid {}, who alone may look into it", path, status.st_uid),
          status.st_uid == 0 ? "ask as root, with sudo"
                             : fmt::format("ask as that user: sudo -u '#{}'", status.st_uid)};
}

bool is_in_memory(int directory) {
  struct statfs status;
  return ::fstatfs(directory, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

// A file system of its own keeps a container's open_by_handle_at(2) from other files. Only a share/ that is
// new gets one: mounting over one in use would leave running containers with the old.
void mount_own_tmpfs(const std::string& path) {
  (void)::mount("oci-oauth", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m");
}

}  // namespace

Result<RuntimeDir> RuntimeDir::open(const std::string& path) {
  RuntimeDir runtime(path);
  auto directory = make_directory(AT_FDCWD, path, 0700, path);
  if (!directory) return std::move(directory).error();
  runtime.directory_ = std::move(*directory);
  if (auto checked = check_private(runtime.directory_.get(), path); !checked)
    return std::move(checked).error();

  const std::string share = path + "/share";
  const bool is_new = ::faccessat(runtime.directory_.get(), "share", F_OK, 0) != 0 && errno == ENOENT;
  auto opened = make_directory(runtime.directory_.get(), "share", 0755, share);
  if (opened && is_new && is_host_root()) {
    mount_own_tmpfs(share);
    opened = make_directory(runtime.directory_.get(), "share", 0755, share);
  }
  if (!opened) return std::move(opened).error();
  runtime.share_ = std::move(*opened);

  for (auto [name, fd] : {std::pair{"profiles", &runtime.profiles_}, {"containers", &runtime.containers_}}) {
    auto sub = make_directory(runtime.directory_.get(), name, 0700, path + "/" + name);
    if (!sub) return std::move(sub).error();
    *fd = std::move(*sub);
  }
  auto locks = make_directory(runtime.directory_.get(), "locks", 0700, path + "/locks");
  if (!locks) return std::move(locks).error();
  return runtime;
}

Result<std::optional<RuntimeDir>> RuntimeDir::open_existing(const std::string& path) {
  RuntimeDir runtime(path);
  const std::pair<std::string, UniqueFd*> parts[] = {{path, &runtime.directory_},
                                                     {path + "/share", &runtime.share_},
                                                     {path + "/profiles", &runtime.profiles_},
                                                     {path + "/containers", &runtime.containers_}};
  for (const auto& [name, fd] : parts) {
    auto opened = open_file({.path = name}, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened && opened.error().kind == ErrorKind::not_found) return std::optional<RuntimeDir>();
    if (!opened) return refused_to_look(path, std::move(opened).error());
    *fd = std::move(*opened);
  }
  if (auto checked = check_private(runtime.directory_.get(), path); !checked)
    return std::move(checked).error();
  return std::optional(std::move(runtime));
}

ShareStorage RuntimeDir::share_storage() const {
  return is_in_memory(share_.get()) ? ShareStorage::memory : ShareStorage::disk;
}

std::string RuntimeDir::share_path(std::string_view profile) const {
  return fmt::format("{}/share/{}", path_, profile);
}

Result<UniqueFd> RuntimeDir::share(std::string_view profile) const {
  return make_directory(share_.get(), std::string(profile), 0755, share_path(profile));
}

Result<std::optional<Published>> RuntimeDir::published(std::string_view profile) const {
  const std::string name = fmt::format("{}.json", profile);
  const std::string shown = fmt::format("{}/profiles/{}", path_, name);
  auto text = read_file({profiles_.get(), name, shown}, published_limit, Links::refused);
  if (!text && text.error().kind == ErrorKind::not_found) return std::optional<Published>();
  if (!text) return std::move(text).error();
  auto published = parse_published(*text, shown);
  if (!published) return std::move(published).error();
  return std::optional<Published>(std::move(*published));
}

Result<void> RuntimeDir::publish(std::string_view profile, const Published& published) const {
  return replace_file(profiles_.get(), fmt::format("{}.json", profile), path_ + "/profiles",
                      format_published(published));
}

FileAt RuntimeDir::lock_file(std::string_view profile) const {
  const std::string name = fmt::format("locks/{}", profile);
  return {directory_.get(), name, fmt::format("{}/{}", path_, name)};
}

FileAt RuntimeDir::socket_file() const {
  return {directory_.get(), "refresh.sock", path_ + "/refresh.sock"};
}

UniqueFd RuntimeDir::containers() const {
  return UniqueFd(::fcntl(containers_.get(), F_DUPFD_CLOEXEC, 0));
}

Result<UniqueFd> RuntimeDir::sinks() const {
  return make_directory(directory_.get(), "sinks", 0700, path_ + "/sinks");
}

}  // namespace oci_oauth
