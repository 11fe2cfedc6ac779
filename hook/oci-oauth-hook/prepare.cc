// SPDX-License-Identifier: Apache-2.0
#include "prepare.h"

#include <fmt/format.h>

#include "delivery/delivery.h"
#include "oci/container_root.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

std::string rootfs_of(const Creation& creation) {
  const std::string& path = creation.spec.root_path;
  return path.starts_with('/') ? path : fmt::format("{}/{}", creation.call.state.bundle, path);
}

Result<UniqueFd> open_target(const Creation& creation, const Chosen& chosen) {
  auto root = ContainerRoot::open(creation.process, rootfs_of(creation));
  if (!root) return std::move(root).error();
  if (chosen.consent == Consent::write) return root->open_directory(chosen.target);
  return root->make_directory(chosen.target, creation.spec.root_on_host());
}

// Without CAP_SYS_ADMIN nobody changes a mount's flags, so that only such a container pays for the lock.
Result<UniqueFd> clone_share(const Creation& creation, const Profile& profile, int share) {
  if (auto labelled = label_share(share, creation.spec.mount_label); !labelled)
    return std::move(labelled).error();
  auto tree = clone_tree_read_only(share);
  if (!tree || !creation.spec.may_mount) return tree;
  auto locked = lock_flags(tree->get(), creation.runtime.share_path(profile.name));
  if (locked) return locked;
  creation.call.log.write(Priority::notice, std::move(locked).error().in(fmt::format(
                                                "profile '{}', container {}: it can make its mount writable",
                                                profile.name, creation.call.state.id)));
  return tree;
}

}  // namespace

Result<Prepared> prepare(const Creation& creation, const Chosen& chosen) {
  auto share = creation.runtime.share(chosen.profile->name);
  if (!share) return std::move(share).error();
  Prepared prepared = {chosen, std::move(*share), {}, {}};
  if (chosen.consent == Consent::in_place) return prepared;

  auto target = open_target(creation, chosen);
  if (!target) return std::move(target).error();
  prepared.target = std::move(*target);
  if (chosen.consent == Consent::write) return prepared;

  if (auto checked = check_unshared(creation.process, prepared.target.get()); !checked)
    return std::move(checked).error();
  auto tree = clone_share(creation, *chosen.profile, prepared.share.get());
  if (!tree) return std::move(tree).error();
  prepared.tree = std::move(*tree);
  return prepared;
}

}  // namespace oci_oauth
