// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t mountinfo_limit = 16 * MiB, options_field = 5;
// At most 340 ranges of ids for each of two maps, user_namespaces(7), with three numbers for each range.
constexpr size_t id_maps_size = 32 * KiB;

// The following is include/uapi/linux/{stat,mount,nsfs}.h of Linux 6.15, because older systems' headers lack
// it.
constexpr long statmount_call = 457;  // on every architecture
constexpr unsigned statx_mount_id_unique = 0x4000;
constexpr unsigned long get_mount_namespace_id = _IOR(0xb7, 5, std::uint64_t);
constexpr std::uint64_t attribute_idmapped = 0x100000;
constexpr std::uint64_t want_basic = 0x2, want_uid_map = 0x2000, want_gid_map = 0x4000;

struct StatmountRequest {
  std::uint32_t size, spare;
  std::uint64_t mount_id, mask, mount_namespace_id;
};
static_assert(sizeof(StatmountRequest) == 32);  // MNT_ID_REQ_SIZE_VER1

struct Statmount {
  std::uint32_t size, options;
  std::uint64_t mask;
  std::uint32_t device_major, device_minor;
  std::uint64_t magic;
  std::uint32_t superblock_flags, type;
  std::uint64_t id, parent_id;
  std::uint32_t id_old, parent_id_old;
  std::uint64_t attributes, propagation, peer_group, master, propagate_from;
  std::uint32_t root, mount_point;
  std::uint64_t namespace_id;
  std::uint32_t subtype, source, option_count, option_array, security_option_count, security_option_array;
  std::uint64_t supported_mask;
  std::uint32_t uid_map_count, uid_map, gid_map_count, gid_map;  // the maps: offsets of strings
  std::array<std::uint64_t, 43> spare;
};
static_assert(sizeof(Statmount) == 512 && offsetof(Statmount, attributes) == 64 &&
              offsetof(Statmount, propagation) == 72 && offsetof(Statmount, namespace_id) == 112 &&
              offsetof(Statmount, supported_mask) == 144 && offsetof(Statmount, gid_map) == 164);

// Space for the strings, which follow the structure.
struct StatmountWithIdMaps {
  Statmount head;
  std::array<char, id_maps_size> strings;
};

// `count` consecutive strings, starting at `offset`.
Result<IdMap> id_map_in(const StatmountWithIdMaps& answer, std::uint32_t offset, std::uint32_t count) {
  const std::string_view strings(answer.strings.data(), answer.strings.size());
  size_t end = std::min<size_t>(offset, strings.size());
  const size_t begin = end;
  for (std::uint32_t i = 0; i < count && end < strings.size(); ++i) {
    end = std::min(strings.find('\0', end), strings.size() - 1) + 1;
  }
  return IdMap::parse(strings.substr(begin, end - begin), "statmount of the target in the container");
}

std::optional<IdMaps> id_maps_of(StatmountRequest request) {
  request.mask = want_uid_map | want_gid_map;
  const auto answer = std::make_unique<StatmountWithIdMaps>();
  if (::syscall(statmount_call, &request, answer.get(), sizeof *answer, 0) != 0) return std::nullopt;
  const Statmount& head = answer->head;
  if ((head.mask & request.mask) != request.mask) return std::nullopt;
  auto uids = id_map_in(*answer, head.uid_map, head.uid_map_count);
  auto gids = id_map_in(*answer, head.gid_map, head.gid_map_count);
  if (!uids || !gids) return std::nullopt;
  return IdMaps{std::move(*uids), std::move(*gids)};
}

std::optional<MountInfo> ask_statmount(const ContainerProcess& process, const struct statx& status) {
  if ((status.stx_mask & statx_mount_id_unique) == 0) return std::nullopt;
  std::uint64_t space = 0;
  if (::ioctl(process.mount_namespace(), get_mount_namespace_id, &space) != 0) return std::nullopt;
  const StatmountRequest request = {sizeof request, 0, status.stx_mnt_id, want_basic, space};
  Statmount answer = {};
  const bool has_answered = ::syscall(statmount_call, &request, &answer, sizeof answer, 0) == 0;
  if (!has_answered || (answer.mask & want_basic) == 0) return std::nullopt;
  MountInfo info;
  info.shared = (answer.propagation & MS_SHARED) != 0;
  info.idmapped = (answer.attributes & attribute_idmapped) != 0;
  if (info.idmapped) info.id_maps = id_maps_of(request);
  return info;
}

// The line that starts with `id`; empty if there is none.
std::string_view line_of(std::string_view mountinfo, std::string_view id) {
  while (!mountinfo.empty()) {
    const std::string_view line = next_line(mountinfo);
    if (line.starts_with(id) && line.substr(id.size()).starts_with(' ')) return line;
  }
  return {};
}

// proc(5): "36 35 98:0 /root /mount/point rw,idmapped shared:1 master:2 - type source options", where the
// fields before the hyphen are optional.
Result<MountInfo> read_mountinfo(const ContainerProcess& process, std::uint64_t mount_id) {
  const std::string path = fmt::format("/proc/{}/mountinfo", process.pid());
  const auto mountinfo = TRY(read_file({.path = path}, mountinfo_limit));
  std::string_view line = line_of(mountinfo, fmt::format("{}", mount_id));
  if (line.empty())
    return Error{ErrorKind::failed, fmt::format("{}: does not list the mount of the target", path)};
  line = line.substr(0, line.find(" - "));
  MountInfo info;
  info.shared = line.find(" shared:") != std::string_view::npos;
  const auto fields = words_in(line);
  info.idmapped = fields.size() > options_field && is_listed("idmapped", fields[options_field], ',');
  return info;
}

Result<struct statx> mount_id_of(int file, unsigned which) {
  struct statx status = {};
  if (::statx(file, "", AT_EMPTY_PATH, which, &status) == 0) return status;
  return Error::from_errno(errno, "statx of the target in the container");
}

// Makes the mount at `path` the only one in this mount namespace, so that the next copy of the namespace is
// small. Result: the new path of that mount. Not in a chroot, pivot_root(2).
const char* leave_only(const char* path) {
  if (::chdir(path) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) return path;
  ::umount2(".", MNT_DETACH);  // if it fails, the copy costs more
  return "/";
}

// Runs in the child, which shares the caller's descriptors: puts the locked copy of `tree` into `slot`. It
// enters two new mount namespaces, because the kernel locks the flags of a copy for a less privileged user
// namespace. Result: 0, or the error number.
int copy_through_user_namespace(int tree, const char* path, int slot) {
  if (::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) return errno;
  if (::move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) return errno;
  path = leave_only(path);
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  const int locked = ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (locked < 0 || ::dup3(locked, slot, O_CLOEXEC) < 0) return errno;
  ::close(locked);
  return 0;
}

}  // namespace

Result<MountInfo> mount_info(const ContainerProcess& process, int file) {
  const auto unique = TRY(mount_id_of(file, statx_mount_id_unique));
  if (auto info = ask_statmount(process, unique)) return std::move(*info);
  const auto old = TRY(mount_id_of(file, STATX_MNT_ID));
  return read_mountinfo(process, old.stx_mnt_id);
}

Result<void> check_unshared(const ContainerProcess& process, int target) {
  const auto info = TRY(mount_info(process, target));
  if (!info.shared) return {};
  return Error{ErrorKind::failed,
               "the target is on a shared mount, so a mount there would also appear elsewhere",
               "mount a tmpfs at the target, or mount the volume around it without \"shared\""};
}

Result<void> restrict_mount(int tree, std::string_view shown) {
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  // A copy of a shared mount is its peer: what a container mounts over it would also cover the host's
  // directory.
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return {};
  return Error::from_errno(errno, fmt::format("{}: mount_setattr", shown));
}

Result<UniqueFd> clone_tree_read_only(const FileAt& directory) {
  UniqueFd tree(::open_tree(directory.directory, directory.path.c_str(),
                            AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Error::from_errno(errno, fmt::format("{}: open_tree", directory.shown));
  TRY(restrict_mount(tree.get(), directory.shown));
  return tree;
}

// The child's own: if it fails, what it has attached disappears with its mount namespace.
Result<UniqueFd> lock_tree(UniqueFd tree, const std::string& path) {
  auto locked = open_in_child(
      CLONE_NEWNS, [&](int slot) { return copy_through_user_namespace(tree.get(), path.c_str(), slot); });
  if (locked.failure == 0) return std::move(locked.fd);
  return Error::from_errno(locked.failure, "lock the flags of the share directory's mount");
}

Result<void> mount_in_container(const ContainerProcess& process, int tree, int target) {
  TRY(process.enter_mounts());
  if (::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0) return {};
  return Error::from_errno(errno, "move_mount onto the target in the container");
}

}  // namespace oci_oauth
