// SPDX-License-Identifier: Apache-2.0
#include "hook/prepare.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "config/rules.h"
#include "delivery/proxy_client.h"
#include "delivery/share.h"
#include "oci/container_root.h"
#include "oci/container_socket.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

constexpr std::string_view api_socket = "api.sock";
constexpr Milliseconds longest_wait_for_proxy{3000};  // systemd may have to start it

std::string rootfs_of(const CreateContext& context) {
  const std::string& path = context.spec.root_path;
  return path.starts_with('/') ? path : fmt::format("{}/{}", context.call.state.bundle, path);
}

std::string volume(const std::string& share, std::string_view target) {
  return "--volume " + shell_word(fmt::format("{}:{}:ro", share, target));
}

// If the runtime isolates the container's file system, nothing can be mounted into it.
Error explain(Error error, const Profile& profile, const std::string& share, std::string_view target) {
  if (error.kind != ErrorKind::not_found) return error;
  const bool has_socket = profile.delivery == Delivers::socket;
  return {
      ErrorKind::failed,
      fmt::format("nothing can be mounted into this runtime's containers from outside ({})", error.message),
      fmt::format("{}bind-mount the directory: {}",
                  has_socket ? "use a profile with \"delivery\": \"token\" for them, and " : "",
                  volume(share, target))};
}

Result<ContainerRoot> open_root(const CreateContext& context, const Chosen& chosen) {
  auto root = ContainerRoot::open(context.process, rootfs_of(context));
  if (root || !context.process.is_running()) return root;
  return explain(std::move(root).error(), *chosen.profile, context.runtime.share_path(chosen.profile->name),
                 chosen.target);
}

bool is_asked_for_read_only(const Spec& spec, std::string_view target) {
  const auto mount = std::find_if(spec.mounts.rbegin(), spec.mounts.rend(),
                                  [&](const SpecMount& one) { return one.destination == target; });
  return mount != spec.mounts.rend() && mount->read_only;
}

bool is_bound_read_only(const CreateContext& context, const Chosen& chosen) {
  const auto root = ContainerRoot::open(context.process, rootfs_of(context));
  if (!root) return is_asked_for_read_only(context.spec, chosen.target);
  const auto target = root->open_directory(chosen.target);
  return target && is_read_only(target->get());
}

// A container that could write there could change what all others read.
bool needs_cover(const CreateContext& context, const Chosen& chosen) {
  if (is_bound_read_only(context, chosen)) return false;
  context.warn(
      *chosen.profile,
      fmt::format("the share directory is bind-mounted writable at '{}', so a read-only mount covers it",
                  chosen.target),
      "bind-mount it read-only: " + volume(context.runtime.share_path(chosen.profile->name), chosen.target));
  return true;
}

// A container that can change mounts could make this one writable: with CAP_SYS_ADMIN or, in a rootless
// engine, through the engine's "exec --privileged". Others do not pay for the lock.
Result<UniqueFd> clone_share(const CreateContext& context, const Profile& profile) {
  const FileAt share = context.runtime.share_directory(profile.name);
  auto tree = TRY(clone_tree_read_only(share));
  if (!context.spec.may_mount && context.call.is_host_root) return tree;
  auto locked = lock_tree(std::move(tree), share.shown);
  if (locked) return locked;
  context.call.log.write(Priority::notice, std::move(locked).error().in(fmt::format(
                                               "profile '{}', container {}: it can make its mount writable",
                                               profile.name, context.call.state.id)));
  return clone_tree_read_only(share);
}

// The share directory is missing before the profile's first refresh.
Result<UniqueFd> mount_of_share(const CreateContext& context, const Profile& profile) {
  const std::string& label = context.spec.mount_label;
  auto tree = label.empty() ? clone_share(context, profile) : Error{ErrorKind::not_found, ""};
  if (tree || tree.error().kind != ErrorKind::not_found) return tree;
  const auto share = TRY(context.runtime.share(profile.name));
  TRY(label_share(share.get(), label));
  return clone_share(context, profile);
}

Result<void> prepare_writing(const CreateContext& context, Delivery& delivery) {
  const Chosen& chosen = delivery.chosen;
  auto bound =
      TRY(open_bound_directory(context.process, rootfs_of(context), chosen.target,
                               std::string(chosen.bind_source), {context.spec.uid, context.spec.gid}));
  delivery.target = std::move(bound.directory);
  delivery.record.owner = bound.owner;
  return {};
}

// For the proxy, which has no other way to the token: a copy of the mount, from which ".." leads nowhere.
Result<UniqueFd> share_for_proxy(const CreateContext& context, const Profile& profile) {
  (void)TRY(context.runtime.share(profile.name));  // it is missing before the profile's first refresh
  const auto tree = TRY(clone_tree_read_only(context.runtime.share_directory(profile.name)));
  return open_file({tree.get(), ".", context.runtime.share_path(profile.name)}, O_RDONLY | O_DIRECTORY);
}

// Instead of the share, a socket that is the container's own. The proxy has it before the container does.
Result<UniqueFd> hand_over_socket(const CreateContext& context, const Profile& profile) {
  auto made = TRY(make_socket_tree(api_socket));
  const std::uint16_t port = Port::number(profile.loopback_port);
  const UniqueFd on_loopback = port == 0 ? UniqueFd() : TRY(listen_on_loopback(context.process, port));
  HandedOver handed = {profile.name,         context.call.state.id,
                       made.listening.get(), context.process.fd(),
                       on_loopback.get(),    file_id(context.runtime.share_directory(profile.name))};
  const SteadyTime deadline = std::chrono::steady_clock::now() + longest_wait_for_proxy;
  if (TRY(hand_over(context.runtime, handed, deadline)) == Admission::done) return std::move(made.tree);
  const UniqueFd share = TRY(share_for_proxy(context, profile));
  handed.share = share.get();
  TRY(hand_over(context.runtime, handed, deadline));
  return std::move(made.tree);
}

Result<void> prepare_mount(const CreateContext& context, Delivery& delivery) {
  const Chosen& chosen = delivery.chosen;
  const auto root = TRY(open_root(context, chosen));
  auto target = TRY(root.make_directory(chosen.target));
  TRY(check_unshared(context.process, target.get()));
  const bool has_socket = chosen.profile->delivery == Delivers::socket;
  auto tree =
      TRY(has_socket ? hand_over_socket(context, *chosen.profile) : mount_of_share(context, *chosen.profile));
  // The mounted files belong to root on the host, so the mode's last digit applies to everybody else.
  if (!has_socket && (chosen.profile->mode & S_IROTH) == 0 && context.spec.uid != 0)
    context.warn(*chosen.profile,
                 fmt::format("uid {} cannot read the files that are mounted at '{}': mode {:04o}",
                             context.spec.uid, chosen.target, chosen.profile->mode),
                 "set the profile's \"mode\" to \"0444\", or bind-mount a directory at the target");
  delivery.target = std::move(target);
  delivery.tree = std::move(tree);
  return {};
}

}  // namespace

Result<void> prepare(const CreateContext& context, Delivery& delivery) {
  Consent& consent = delivery.chosen.consent;
  if (consent == Consent::in_place && needs_cover(context, delivery.chosen)) consent = Consent::mount;
  if (consent == Consent::write) return prepare_writing(context, delivery);
  if (consent == Consent::mount) return prepare_mount(context, delivery);
  return {};
}

}  // namespace oci_oauth
