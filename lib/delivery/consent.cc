// SPDX-License-Identifier: Apache-2.0
#include "delivery/consent.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

constexpr size_t volume_digits = 64;

// Podman mounts a tmpfs there by itself, for --read-only and for an image whose command is an init.
constexpr std::string_view engines_tmpfs[] = {"/run", "/run/lock", "/tmp", "/var/tmp", "/var/log/journal"};

// The last mount at the target, because it covers the earlier ones.
const SpecMount* mount_at(const Spec& spec, std::string_view target) {
  const std::string name = base_name(target);
  for (auto mount = spec.mounts.rbegin(); mount != spec.mounts.rend(); ++mount) {
    // Cheaper than normalising each path: equal to the target, or longer than its own normal form, which has
    // its name.
    if (mount->destination == target) return &*mount;
    if (mount->destination.size() <= target.size() || mount->destination.find(name) == std::string::npos)
      continue;
    if (normalised_path(mount->destination) == target) return &*mount;
  }
  return nullptr;
}

// The last bind mount or tmpfs on a directory that contains the target.
const SpecMount* mount_above(const Spec& spec, std::string_view target) {
  for (auto mount = spec.mounts.rbegin(); mount != spec.mounts.rend(); ++mount) {
    if (lies_within(target, mount->destination) && (mount->bind || mount->type == "tmpfs")) return &*mount;
  }
  return nullptr;
}

// A mount there does not choose a profile: its author may not have thought of a token.
std::string not_at_the_target(const SpecMount& mount, const DeliveryRule& rule) {
  return fmt::format(
      "'{}' is inside the {} at '{}', which does not choose a profile; mount a tmpfs or bind-mount a "
      "directory at '{}'",
      rule.target, mount.bind ? "bind mount" : "tmpfs", mount.destination, rule.target);
}

// A mount that nobody chose: the sentence for the log says where it comes from.
std::string whose_mount(const SpecMount& mount, const DeliveryRule& rule) {
  if (rule.in_build)
    return fmt::format("the mount at '{}' belongs to an image build, whose Dockerfile may come from anybody",
                       rule.target);
  const std::string_view advice = "mount a tmpfs or bind-mount a directory there to choose the container";
  if (mount.bind)
    return fmt::format(
        "the engine created the volume at '{}' for the image, as the 64 hexadecimal digits in '{}' show; {} "
        "(a directory without such a name)",
        rule.target, mount.source, advice);
  if (mount.type != "tmpfs")
    return fmt::format("the mount at '{}' has the type '{}'; {}", rule.target, mount.type, advice);
  if (mount.exec) {
    return fmt::format(
        "the tmpfs at '{}' has the option \"exec\", like those that Podman mounts for an image's volumes; "
        "mount "
        "it without that option",
        rule.target);
  }
  return fmt::format("engines mount a tmpfs at '{}' by themselves; choose a target below it", rule.target);
}

bool is_persons_bind(const SpecMount& mount, const DeliveryRule& rule) {
  return mount.bind && !rule.in_build && !is_anonymous_volume(mount.source);
}

bool is_persons_tmpfs(const SpecMount& mount, const DeliveryRule& rule) {
  const bool unasked = std::ranges::find(engines_tmpfs, rule.target) != std::end(engines_tmpfs);
  // Podman's image_volume_mode "tmpfs" marks its mounts like this (pkg/specgen, getImageVolumes).
  return !mount.bind && mount.type == "tmpfs" && !mount.exec && !rule.in_build && !unasked;
}

bool is_named(const CallContext& context, const Profile& profile) {
  return std::ranges::count(context.by_argument, profile.name) > 0;
}

// A container that is chosen as a whole gets the token at each target where a person mounted something, or at
// the first one if there is no such mount.
void choose(const Config& config, const Profile& profile, const CallContext& context, const Spec& spec,
            Choice& choice) {
  const std::string share = fmt::format("{}/share/{}", config.runtime_dir, profile.name);
  DeliveryRule rule = {.profile = profile.name, .target = {}, .in_build = context.in_build, .share = share};
  const auto is_chosen = [&] { return !choice.chosen.empty() && choice.chosen.back().profile == &profile; };
  const auto consider = [&](const std::string& target) {
    rule.target = target;
    Decision decision = decide(spec, rule);
    const auto is_told = [&](const Skipped& one) {
      return one.profile == &profile && one.why_not == decision.why_not;
    };
    if (decision.consent != Consent::no) {
      // A socket of the container's own is never in a directory of the host.
      if (profile.delivery == Delivers::socket) decision.consent = Consent::mount;
      choice.chosen.push_back({&profile, target, decision.consent, decision.bind_source});
    } else if (!decision.why_not.empty() && std::ranges::none_of(choice.skipped, is_told)) {
      choice.skipped.push_back({&profile, std::move(decision.why_not)});
    }
  };
  if (profile.targets.size() > 1) std::ranges::for_each(profile.targets, consider);
  if (!is_chosen()) {
    rule.to_all = profile.deliver_to == DeliverTo::all;
    rule.by_argument = is_named(context, profile);
    rule.trusts_annotations = profile.trusts_annotations;
    consider(profile.target);
  }
  if (is_chosen()) std::erase_if(choice.skipped, [&](const Skipped& one) { return one.profile == &profile; });
}

}  // namespace

bool is_anonymous_volume(std::string_view source) {
  const auto hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  while (!source.empty()) {
    const std::string_view component = next_part(source, '/');
    if (component.size() == volume_digits && std::ranges::all_of(component, hex)) return true;
  }
  return false;
}

bool is_build_step(const ContainerState& state) {
  if (state.id.starts_with("buildah-")) return true;  // run_common.go: "buildah-" and the bundle's name
  // BuildKit keeps its bundles in ROOT/runc-SNAPSHOTTER/executor/ID, in dockerd in ROOT/buildkit/executor/ID,
  // and those of its containerd worker in the directory of containerd's namespace "buildkit".
  std::string_view path = state.bundle, above, parent, name;
  while (!path.empty()) {
    const std::string_view component = next_part(path, '/');
    if (!component.empty()) above = std::exchange(parent, std::exchange(name, component));
  }
  return parent == "buildkit" ||
         (parent == "executor" && (above == "buildkit" || above.starts_with("runc-")));
}

Decision decide(const Spec& spec, const DeliveryRule& rule) {
  const SpecMount* mount = mount_at(spec, rule.target);
  const std::string* annotation = spec.annotation(profiles_annotation);
  const bool annotated = annotation != nullptr && is_listed(rule.profile, *annotation, ',');

  if (mount != nullptr && is_persons_bind(*mount, rule)) {
    if (normalised_path(mount->source) == rule.share) return {.consent = Consent::in_place};
    return {.consent = Consent::write, .bind_source = mount->source};
  }
  if (rule.to_all || rule.by_argument || (annotated && rule.trusts_annotations))
    return {.consent = Consent::mount};
  if (mount != nullptr && is_persons_tmpfs(*mount, rule)) return {.consent = Consent::mount};
  if (mount != nullptr) return {.why_not = whose_mount(*mount, rule)};
  if (annotated) {
    return {.why_not =
                fmt::format("the annotation {} may come from the image; set \"trust_annotations\" in the "
                            "profile, or mount a tmpfs at '{}'",
                            profiles_annotation, rule.target)};
  }
  if (rule.in_build) return {};
  const SpecMount* above = mount_above(spec, rule.target);
  return above == nullptr ? Decision() : Decision{.why_not = not_at_the_target(*above, rule)};
}

Choice choose(const Config& config, const CallContext& context, const Spec& spec) {
  Choice choice;
  for (const Profile& profile : config.profiles) {
    if (profile.delivered_by.empty()) {
      choose(config, profile, context, spec, choice);
    } else if (is_named(context, profile)) {
      choice.skipped.push_back(
          {&profile, fmt::format("profile '{}' delivers it, and has the same target", profile.delivered_by)});
    }
  }
  return choice;
}

std::vector<ChosenPlace> places_of(const std::vector<Chosen>& chosen) {
  std::vector<ChosenPlace> places;
  places.reserve(chosen.size());
  for (const Chosen& one : chosen) places.push_back({one.profile, std::string(one.target)});
  return places;
}

std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen) {
  std::vector<const Profile*> profiles;
  for (const Chosen& one : chosen) {
    if (std::ranges::find(profiles, one.profile) == profiles.end()) profiles.push_back(one.profile);
  }
  return profiles;
}

void log_skipped(const Log& log, std::string_view container, const Choice& choice) {
  for (const Skipped& one : choice.skipped) {
    log.write(Priority::notice, fmt::format("profile '{}', container {}: no token delivered: {}",
                                            one.profile->name, container, one.why_not));
  }
}

std::vector<std::string> environment_of(const std::vector<ChosenPlace>& places,
                                        const std::vector<std::string>& provider_directories,
                                        const Log& log) {
  std::vector<std::string> environment;
  const Profile* last = nullptr;
  for (const auto& [profile, target] : places) {
    if (std::exchange(last, profile) == profile) continue;
    const auto provider = load_provider(*profile, provider_directories);
    if (!provider) {
      log.write(Priority::warning, Error(provider.error()).in(fmt::format("profile '{}'", profile->name)));
      continue;
    }
    for (std::string& assignment : environment_of(*provider, *profile, target)) {
      environment.push_back(std::move(assignment));
    }
  }
  return environment;
}

}  // namespace oci_oauth
