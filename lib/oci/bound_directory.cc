// SPDX-License-Identifier: Apache-2.0
#include "oci/bound_directory.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/fmt.h"
#include "oci/container_root.h"
#include "oci/mount_info.h"

namespace oci_oauth {

namespace {

Result<struct statx> look(int directory, std::string_view shown) {
  struct statx status = {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) == 0) return status;
  return Error::from_errno(errno, fmt::format("{}: statx", shown));
}

bool is_same(const struct statx& one, const struct statx& other) {
  return one.stx_dev_major == other.stx_dev_major && one.stx_dev_minor == other.stx_dev_minor &&
         one.stx_ino == other.stx_ino;
}

Owner owner_of(const struct statx& status) {
  return {status.stx_uid, status.stx_gid};
}

Error not_mapped(std::string_view target) {
  return {ErrorKind::failed,
          fmt::format("{} in the container: its idmapped mount does not map the container's user", target),
          "mount the directory without \"idmap\", or mount a tmpfs at the target"};
}

// The ids of the container's `user` on the file system of a directory that the host sees as `on_host` and the
// container, through an idmapped mount, as `seen`. If the kernel does not report the mount's mapping, it is
// assumed to be that of the container's user namespace, which is what engines use, provided that the
// directory's own owner agrees.
Result<Owner> owner_behind(const ContainerProcess& process, std::string_view target, int inside,
                           Owner on_host, Owner seen, Owner user) {
  const auto outside = TRY(process.owner_outside(user));
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

Result<BoundDirectory> bound_to(UniqueFd directory, Result<Owner> owner) {
  if (!owner) return std::move(owner).error();
  return BoundDirectory{std::move(directory), *owner};
}

// Only the container's view.
Result<BoundDirectory> bound_inside(const ContainerProcess& process, std::string_view target, UniqueFd inside,
                                    const struct statx& seen, Owner user) {
  if ((seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return Error{
        ErrorKind::failed,
        fmt::format("{} in the container: the bind mount in config.json is not there yet, so nothing is "
                    "written beneath it",
                    target),
        "create a new container instead of restoring it"};
  }
  const auto info = TRY(mount_info(process, inside.get()));
  if (info.idmapped) return not_mapped(target);
  return bound_to(std::move(inside), process.owner_outside(user));
}

}  // namespace

Result<BoundDirectory> open_bound_directory(const ContainerProcess& process, std::string_view rootfs,
                                            std::string_view target, const std::string& source, Owner user) {
  auto host = open_file({.path = source}, O_PATH | O_DIRECTORY);
  const auto root = ContainerRoot::open(process, rootfs);
  if (!root) {
    if (!host || root.error().kind != ErrorKind::not_found || !process.is_running()) return root.error();
    return bound_to(std::move(*host), process.owner_outside(user));
  }
  auto inside = TRY(root->open_directory(target));
  const auto seen = TRY(look(inside.get(), target));
  const auto on_host = host ? look(host->get(), source) : Result<struct statx>(host.error());
  if (!on_host || !is_same(*on_host, seen))
    return bound_inside(process, target, std::move(inside), seen, user);
  if (owner_of(*on_host) == owner_of(seen)) return bound_to(std::move(*host), process.owner_outside(user));
  return bound_to(std::move(*host),
                  owner_behind(process, target, inside.get(), owner_of(*on_host), owner_of(seen), user));
}

}  // namespace oci_oauth
