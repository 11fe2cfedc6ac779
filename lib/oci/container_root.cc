// SPDX-License-Identifier: Apache-2.0
#include "oci/container_root.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>

#include "base/fmt.h"
#include "base/path.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

constexpr int attempts = 64;  // EAGAIN: something is renamed while the kernel resolves the path

Result<UniqueFd> open_beneath(int root, const std::string& path, const std::string& shown,
                              std::uint64_t resolve = RESOLVE_NO_MAGICLINKS) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC | O_DIRECTORY;
  how.resolve = RESOLVE_IN_ROOT | resolve;
  const std::string relative = path == "/" ? "." : path;
  for (int i = 0; i < attempts; ++i) {
    const long fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  // In a service with RestrictSUIDSGID= (systemd.exec(5)): links are not followed.
  if (const auto names = errno == ENOSYS ? normalised_path("/" + path) : std::nullopt) {
    if (UniqueFd plain = open_without_links(root, names->substr(1), O_PATH | O_DIRECTORY)) return plain;
  }
  const int reason = errno;
  Error error = Error::from_errno(reason, fmt::format("{}: openat2", shown));
  if (reason == ENOTDIR) error.hint = "a component is not a directory: choose another target";
  if (reason == ELOOP) error.hint = "its symbolic links cannot be followed: choose another target";
  return error;
}

Result<UniqueFd> open_in_container(int root, const std::string& path,
                                   std::uint64_t resolve = RESOLVE_NO_MAGICLINKS) {
  return open_beneath(root, path, fmt::format("{} in the container", path), resolve);
}

Error refuse(std::string_view path, std::string_view why) {
  return {ErrorKind::failed, fmt::format("{} in the container: {}", path, why),
          "choose a target outside /proc, /sys and /dev"};
}

// What the kernel reports about a directory, and about the mount that it is in.
struct DirectoryStatus {
  FileId id;
  Owner owner;
  std::uint64_t mount;  // 0 if the kernel does not report it
  bool is_mount_root;
};

Result<DirectoryStatus> status_of(int directory, std::string_view shown) {
  struct statx status = {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &status) != 0)
    return Error::from_errno(errno, fmt::format("{}: statx", shown));
  return DirectoryStatus{.id = {makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino},
                         .owner = {status.stx_uid, status.stx_gid},
                         .mount = (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0,
                         .is_mount_root = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
}

// The container's /dev may be the host's own, bind-mounted by a person.
bool is_in_dev(int root, const DirectoryStatus& root_status, const DirectoryStatus& status) {
  if (status.mount == root_status.mount) return false;
  const auto dev = open_in_container(root, "/dev");
  const auto dev_status = dev ? status_of(dev->get(), "/dev") : Result<DirectoryStatus>(dev.error());
  return dev_status && dev_status->mount == status.mount;
}

// /proc, /sys, cgroups and /dev belong to the kernel: directories there are not meant for files.
Result<void> check_file_system(int directory, std::string_view path) {
  struct statfs status;
  if (::fstatfs(directory, &status) != 0) return Error::from_errno(errno, path);
  for (const long refused : {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC}) {
    if (status.f_type == refused) return refuse(path, "is in a kernel file system");
  }
  return {};
}

// Where symbolic links may have led.
enum class Root { refused, accepted };
Result<void> check_place(int root, int directory, std::string_view path, Root whether_root) {
  const auto root_status = TRY(status_of(root, path));
  const auto status = TRY(status_of(directory, path));
  if (whether_root == Root::refused && status.id == root_status.id)
    return refuse(path, "is a link to the container's root");
  TRY(check_file_system(directory, path));
  if (is_in_dev(root, root_status, status)) return refuse(path, "is in /dev");
  return {};
}

bool is_kernels_path(std::string_view path) {
  for (const std::string_view top : {"/proc", "/sys", "/dev"}) {
    if (path == top || lies_within(path, top)) return true;
  }
  return false;
}

// Creates a directory that a file system of the container's user namespace accepts: owned by that namespace's
// root, not the host's. Such an id lacks root's capabilities on files, capabilities(7); they are restored,
// because the container's root could create a directory below any other user's.
class FileSystemIds {
 public:
  explicit FileSystemIds(Owner owner) {
    const bool known = ::syscall(SYS_capget, &header_, capabilities_) == 0;
    gid_ = ::setfsgid(owner.gid);
    uid_ = ::setfsuid(owner.uid);
    if (known) ::syscall(SYS_capset, &header_, capabilities_);
  }
  ~FileSystemIds() {
    ::setfsuid(static_cast<uid_t>(uid_));
    ::setfsgid(static_cast<gid_t>(gid_));
  }
  FileSystemIds(const FileSystemIds&) = delete;
  FileSystemIds& operator=(const FileSystemIds&) = delete;

 private:
  __user_cap_header_struct header_ = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct capabilities_[_LINUX_CAPABILITY_U32S_3] = {};
  int uid_, gid_;
};

// Creates the last component of `path`, which was not found, in its parent directory. Result: 0, or the error
// number.
int make_as(const Owner& owner, int parent, const std::string& name) {
  const FileSystemIds ids(owner);
  return ::mkdirat(parent, name.c_str(), 0755) == 0 ? 0 : errno;
}

Result<void> make_component(int root, int parent, const std::string& path, const ContainerProcess* process) {
  TRY(check_place(root, parent, path, Root::accepted));
  const auto owner =
      process == nullptr ? Owner{::geteuid(), ::getegid()} : TRY(process->owner_outside({0, 0}));
  const std::string name = base_name(path);
  const int reason = make_as(owner, parent, name);
  if (reason == 0) return {};
  if (reason != EEXIST) return Error::from_errno(reason, fmt::format("{} in the container: mkdir", path));
  struct stat status;
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
    return Error{ErrorKind::failed, fmt::format("{} in the container: is a dangling symbolic link", path),
                 "choose another target, or create the directory in the image"};
  }
  return {};
}

// Every step resolves the path from the root again, so that swapping a component cannot lead out.
Result<UniqueFd> make_missing(int root, const std::string& path, const ContainerProcess* process) {
  auto parent = open_in_container(root, "/");
  for (size_t end = 0; parent && end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string so_far = path.substr(0, end);
    auto next = open_in_container(root, so_far);
    if (!next && next.error().kind == ErrorKind::not_found) {
      TRY(make_component(root, parent->get(), so_far, process));
      next = open_in_container(root, so_far);
    }
    parent = std::move(next);
  }
  return parent;
}

Error not_mapped(std::string_view target) {
  return {ErrorKind::failed,
          fmt::format("{} in the container: its idmapped mount does not map the container's user", target),
          "mount the directory without \"idmap\", or mount a tmpfs at the target"};
}

// The ids of the container's `user`, who is `outside` on the host, on the file system of a directory that the
// host sees as `on_host` and the container, through an idmapped mount, as `seen`. If the kernel does not
// report the mount's mapping, it is assumed to be that of the container's user namespace, which is what
// engines use, provided that the directory's own owner agrees.
Result<Owner> owner_behind(const ContainerProcess& process, std::string_view target, int inside,
                           Owner on_host, Owner seen, Owner user, Owner outside) {
  const auto info = TRY(mount_info(process, inside));
  if (info.id_maps) {
    const auto uid = info.id_maps->uids.inside(outside.uid);
    const auto gid = info.id_maps->gids.inside(outside.gid);
    if (!uid || !gid) return not_mapped(target);
    return Owner{*uid, *gid};
  }
  const auto expected = process.owner_outside(on_host);
  if (!expected || *expected != seen) return not_mapped(target);
  return user;
}

// For the container's view alone.
Result<void> check_bound_inside(const ContainerProcess& process, std::string_view target, int inside,
                                const DirectoryStatus& seen) {
  if (!seen.is_mount_root) {
    return Error{
        ErrorKind::failed,
        fmt::format("{} in the container: the bind mount in config.json is not there yet, so nothing is "
                    "written beneath it",
                    target),
        "create a new container instead of restoring it"};
  }
  const auto info = TRY(mount_info(process, inside));
  return info.idmapped ? not_mapped(target) : Result<void>();
}

}  // namespace

Result<ContainerRoot> ContainerRoot::open(const ContainerProcess& process, std::string_view rootfs) {
  if (!process.root()) return process.root().error();
  return beneath(process.root()->get(), rootfs, fmt::format("/proc/{}/root", process.pid()), &process);
}

// An absolute link in `rootfs` (such as /var/run) would lead a plain open(2) into the caller's mount
// namespace.
Result<ContainerRoot> ContainerRoot::beneath(int directory, std::string_view rootfs, std::string_view shown,
                                             const ContainerProcess* process) {
  auto root = TRY(open_beneath(directory, std::string(rootfs), fmt::format("{}{}", shown, rootfs)));
  return ContainerRoot(std::move(root), process);
}

Result<UniqueFd> ContainerRoot::open_directory(std::string_view path) const {
  return open_in_container(root_.get(), std::string(path));
}

Result<UniqueFd> ContainerRoot::make_directory(std::string_view path) const {
  const std::string whole(path);
  if (is_kernels_path(path)) return refuse(whole, "is in a kernel file system");
  // Without symbolic links, it is where its path says.
  if (auto plain = open_in_container(root_.get(), whole, RESOLVE_NO_SYMLINKS); plain && whole != "/") {
    TRY(check_file_system(plain->get(), whole));
    return plain;
  }
  auto directory = open_in_container(root_.get(), whole);
  if (!directory && directory.error().kind == ErrorKind::not_found) {
    directory = make_missing(root_.get(), whole, process_);
  }
  if (!directory) return directory;
  TRY(check_place(root_.get(), directory->get(), whole, Root::refused));
  return directory;
}

Result<BoundDirectory> open_bound_directory(const ContainerProcess& process, std::string_view rootfs,
                                            std::string_view target, const std::string& source, Owner user) {
  auto host = open_file({.path = source}, O_PATH | O_DIRECTORY);
  const auto root = ContainerRoot::open(process, rootfs);
  if (!root) {
    if (!host || root.error().kind != ErrorKind::not_found || !process.is_running()) return root.error();
    const auto owner = TRY(process.owner_outside(user));
    return BoundDirectory{std::move(*host), owner};
  }
  auto inside = TRY(root->open_directory(target));
  const auto seen = TRY(status_of(inside.get(), target));
  const auto on_host = host ? status_of(host->get(), source) : Result<DirectoryStatus>(host.error());
  const bool is_hosts = on_host && on_host->id == seen.id;
  if (!is_hosts) TRY(check_bound_inside(process, target, inside.get(), seen));
  auto owner = TRY(process.owner_outside(user));
  if (is_hosts && on_host->owner != seen.owner)
    owner = TRY(owner_behind(process, target, inside.get(), on_host->owner, seen.owner, user, owner));
  return BoundDirectory{std::move(is_hosts ? *host : inside), owner};
}

}  // namespace oci_oauth
