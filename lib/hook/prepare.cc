// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "config/rules.h"
#include "delivery/proxy_client.h"
#include "hook/creation.h"
#include "oci/container_root.h"
#include "oci/container_socket.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

constexpr const char* api_socket = "api.sock";
constexpr Milliseconds longest_wait_for_proxy{3000};  // systemd may have to start it

std::string rootfs_of(const Creation& creation) {
  const std::string& path = creation.spec.root_path;
  return path.starts_with('/') ? path : fmt::format("{}/{}", creation.call.state.bundle, path);
}

// What a person can do instead of mounting.
std::string how_to_bind(const Creation& creation, const Chosen& chosen) {
  const std::string share = creation.runtime->share_path(chosen.profile->name);
  return "--volume " + shell_word(fmt::format("{}:{}:ro", share, chosen.target));
}

Result<ContainerRoot> open_root(const Creation& creation, const Chosen& chosen) {
  auto root = ContainerRoot::open(*creation.process, rootfs_of(creation));
  if (root || root.error().kind != ErrorKind::not_found || !creation.process->is_running()) return root;
  const bool has_socket = chosen.profile->delivery == Delivers::socket;
  return Error{ErrorKind::failed,
               fmt::format("nothing can be mounted into this runtime's containers from outside ({})",
                           root.error().message),
               fmt::format("{}bind-mount the directory: {}",
                           has_socket ? "use a profile with \"delivery\": \"token\" for them, and " : "",
                           how_to_bind(creation, chosen))};
}

// If the runtime isolates the container's file system, what a person asked for counts.
bool is_bound_read_only(const Creation& creation, std::string_view target) {
  if (const auto root = ContainerRoot::open(*creation.process, rootfs_of(creation))) {
    const auto directory = root->open_directory(target);
    return directory && is_read_only(directory->get());
  }
  const auto& mounts = creation.spec.mounts;
  const auto is_there = [&](const SpecMount& mount) { return mount.destination == target; };
  const auto mount = std::find_if(mounts.rbegin(), mounts.rend(), is_there);
  return mount != mounts.rend() && mount->read_only;
}

// A container that could write there could change what all others read.
bool needs_cover(const Creation& creation, const Chosen& chosen) {
  if (is_bound_read_only(creation, chosen.target)) return false;
  creation.call.warn(
      chosen.profile->name,
      fmt::format("the share directory is bind-mounted writable at '{}', so a read-only mount covers it",
                  chosen.target),
      "bind-mount it read-only: " + how_to_bind(creation, chosen));
  return true;
}

// A container that can change mounts could make this one writable: with CAP_SYS_ADMIN or, in a rootless
// engine, through the engine's "exec --privileged". Others do not pay for the lock.
Result<UniqueFd> clone_share(const Creation& creation, const Profile& profile) {
  const FileAt share = creation.runtime->share_directory(profile.name);
  auto tree = TRY(clone_tree_read_only(share));
  if (!creation.spec.may_mount && creation.call.is_host_root) return tree;
  auto locked = lock_tree(std::move(tree), share.shown);
  if (locked) return locked;
  const std::string about = creation.call.about(profile.name) + ": it can make its mount writable";
  creation.call.log.write(Priority::notice, std::move(locked).error().in(about));
  return clone_tree_read_only(share);
}

// The share directory is missing before the profile's first refresh.
Result<UniqueFd> mount_of_share(const Creation& creation, const Profile& profile) {
  const std::string& label = creation.spec.mount_label;
  auto tree = label.empty() ? clone_share(creation, profile) : Error{ErrorKind::not_found, ""};
  if (tree || tree.error().kind != ErrorKind::not_found) return tree;
  const auto share = TRY(creation.runtime->share(profile.name));
  TRY(label_share(share.get(), label));
  return clone_share(creation, profile);
}

Result<void> prepare_writing(const Creation& creation, Delivery& delivery) {
  const Chosen& chosen = delivery.chosen;
  auto bound =
      TRY(open_bound_directory(*creation.process, rootfs_of(creation), chosen.target,
                               std::string(chosen.bind_source), {creation.spec.uid, creation.spec.gid}));
  delivery.target = std::move(bound.directory);
  delivery.record.owner = bound.owner;
  return {};
}

// For the proxy, which has no other way to the token: a copy of the mount, from which ".." leads nowhere.
Result<UniqueFd> share_for_proxy(const Creation& creation, const Profile& profile) {
  (void)TRY(creation.runtime->share(profile.name));  // it is missing before the profile's first refresh
  const auto tree = TRY(clone_tree_read_only(creation.runtime->share_directory(profile.name)));
  return open_file({tree.get(), ".", creation.runtime->share_path(profile.name)}, O_RDONLY | O_DIRECTORY);
}

// Instead of the share, a socket that is the container's own. The proxy has it before the container does.
Result<UniqueFd> hand_over_socket(const Creation& creation, const Profile& profile) {
  auto made = TRY(make_socket_tree(api_socket));
  const std::uint16_t port = Port::number(profile.loopback_port);
  const UniqueFd on_loopback = port == 0 ? UniqueFd() : TRY(listen_on_loopback(*creation.process, port));
  HandedOver handed = {profile.name,         creation.call.state.id,
                       made.listening.get(), creation.process->fd(),
                       on_loopback.get(),    file_id(creation.runtime->share_directory(profile.name))};
  const SteadyTime deadline = std::chrono::steady_clock::now() + longest_wait_for_proxy;
  if (TRY(hand_over(*creation.runtime, handed, deadline)) == Admission::done) return std::move(made.tree);
  const UniqueFd share = TRY(share_for_proxy(creation, profile));
  handed.share = share.get();
  TRY(hand_over(*creation.runtime, handed, deadline));
  return std::move(made.tree);
}

Result<void> prepare_mount(const Creation& creation, Delivery& delivery) {
  const Chosen& chosen = delivery.chosen;
  const auto root = TRY(open_root(creation, chosen));
  auto target = TRY(root.make_directory(chosen.target));
  TRY(check_unshared(*creation.process, target.get()));
  const bool has_socket = chosen.profile->delivery == Delivers::socket;
  auto tree = TRY(has_socket ? hand_over_socket(creation, *chosen.profile)
                             : mount_of_share(creation, *chosen.profile));
  // The mounted files belong to root on the host, so the mode's last digit applies to everybody else.
  if (!has_socket && (chosen.profile->mode & S_IROTH) == 0 && creation.spec.uid != 0)
    creation.call.warn(chosen.profile->name,
                       fmt::format("uid {} cannot read the files that are mounted at '{}': mode {:04o}",
                                   creation.spec.uid, chosen.target, chosen.profile->mode),
                       "set the profile's \"mode\" to \"0444\", or bind-mount a directory at the target");
  delivery.target = std::move(target);
  delivery.tree = std::move(tree);
  return {};
}

}  // namespace

Result<void> prepare(const Creation& creation, Delivery& delivery) {
  Consent& consent = delivery.chosen.consent;
  if (consent == Consent::in_place && needs_cover(creation, delivery.chosen)) consent = Consent::mount;
  if (consent == Consent::write) return prepare_writing(creation, delivery);
  if (consent == Consent::mount) return prepare_mount(creation, delivery);
  return {};
}

}  // namespace oci_oauth
