// SPDX-License-Identifier: Apache-2.0
#include "oci/consent.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/path.h"

namespace oci_oauth {

namespace {

constexpr size_t volume_digits = 64;

// The last mount at the target: it covers the earlier ones.
const SpecMount* mount_at(const Spec& spec, std::string_view target) {
  std::string destination;
  for (auto mount = spec.mounts.rbegin(); mount != spec.mounts.rend(); ++mount) {
    // Cheaper than normalising each: equal at the end, or not written plainly.
    if (mount->destination == target) return &*mount;
    if (normalise_path(mount->destination, destination) && destination == target) return &*mount;
  }
  return nullptr;
}

bool names(std::string_view list, std::string_view profile) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view name = list.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == profile) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

}  // namespace

bool is_anonymous_volume(std::string_view source) {
  const auto hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  while (!source.empty()) {
    const std::string_view component = next_component(source);
    if (component.size() == volume_digits && std::all_of(component.begin(), component.end(), hex))
      return true;
  }
  return false;
}

Decision decide(const Spec& spec, const Offer& offer) {
  const SpecMount* mount = mount_at(spec, offer.target);
  const bool anonymous = mount != nullptr && mount->bind && is_anonymous_volume(mount->source);
  const bool by_a_person = mount != nullptr && mount->bind && !anonymous;
  const std::string* annotation = spec.annotation(profiles_annotation);
  const bool annotated = annotation != nullptr && names(*annotation, offer.profile);

  if (by_a_person) {
    std::string source;
    const bool is_share = normalise_path(mount->source, source) && source == offer.share;
    if (is_share) return {Consent::in_place, {}, {}};
    return {Consent::write, mount->source, {}};
  }
  if (offer.to_all || offer.by_argument || (annotated && offer.trusts_annotations))
    return {Consent::mount, {}, {}};
  if (mount != nullptr && mount->type == "tmpfs" && !mount->bind) return {Consent::mount, {}, {}};
  if (anonymous) {
    return {Consent::no,
            {},
            fmt::format("the engine made the volume at '{}' for the image; choose the container with a tmpfs "
                        "or a bind mount there",
                        offer.target)};
  }
  if (annotated) {
    return {
        Consent::no,
        {},
        fmt::format("the annotation {} may come from the image; set \"trust_annotations\" in the profile, "
                    "or mount a tmpfs at '{}'",
                    profiles_annotation, offer.target)};
  }
  return {};
}

}  // namespace oci_oauth
