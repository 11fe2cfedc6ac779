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

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"

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
  if (std::string names; errno == ENOSYS && normalise_path("/" + path, names)) {
    if (UniqueFd plain = open_without_links(root, names.substr(1), O_PATH | O_DIRECTORY)) return plain;
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

Error refuse(const std::string& path, std::string_view why) {
  return {ErrorKind::failed, fmt::format("{} in the container: {}", path, why),
          "choose a target outside /proc, /sys and /dev"};
}

// A directory, and the mount that it is in: 0 if the kernel does not report it.
struct DirectoryPlace {
  FileId id;
  std::uint64_t mount = 0;
};

Result<DirectoryPlace> place_of(int directory, const std::string& path) {
  struct statx status = {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &status) != 0)
    return Error::from_errno(errno, path);
  const std::uint64_t mount = (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0;
  return DirectoryPlace{{makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino}, mount};
}

// The container's /dev may be the host's own, bind-mounted by a person.
bool is_in_dev(int root, const DirectoryPlace& root_place, const DirectoryPlace& place) {
  if (place.mount == root_place.mount) return false;
  const auto dev = open_in_container(root, "/dev");
  const auto dev_place = dev ? place_of(dev->get(), "/dev") : Result<DirectoryPlace>(dev.error());
  return dev_place && dev_place->mount == place.mount;
}

// /proc, /sys, cgroups and /dev belong to the kernel: directories there are not meant for files.
Result<void> check_file_system(int directory, const std::string& path) {
  struct statfs status;
  if (::fstatfs(directory, &status) != 0) return Error::from_errno(errno, path);
  for (const long refused : {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC}) {
    if (status.f_type == refused) return refuse(path, "is in a kernel file system");
  }
  return {};
}

// Where symbolic links may have led.
enum class Root { refused, accepted };
Result<void> check_place(int root, int directory, const std::string& path, Root whether_root) {
  const auto root_place = TRY(place_of(root, path));
  const auto place = TRY(place_of(directory, path));
  if (whether_root == Root::refused && place.id == root_place.id)
    return refuse(path, "is a link to the container's root");
  TRY(check_file_system(directory, path));
  if (is_in_dev(root, root_place, place)) return refuse(path, "is in /dev");
  return {};
}

bool is_kernels_path(std::string_view path) {
  for (const std::string_view top : {"/proc", "/sys", "/dev"}) {
    if (path == top || (path.starts_with(top) && path[top.size()] == '/')) return true;
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

Result<Owner> container_root_of(const ContainerProcess* process) {
  if (process == nullptr) return Owner{::geteuid(), ::getegid()};
  return process->owner_outside({0, 0});
}

Result<void> make_component(int root, int parent, const std::string& path, const ContainerProcess* process) {
  TRY(check_place(root, parent, path, Root::accepted));
  const auto owner = TRY(container_root_of(process));
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

Result<ContainerRoot> ContainerRoot::beneath(int directory, std::string_view rootfs, std::string_view shown) {
  return beneath(directory, rootfs, shown, nullptr);
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

}  // namespace oci_oauth
