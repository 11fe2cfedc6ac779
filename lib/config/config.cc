// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/size.h"
#include "config/key_reader.h"
#include "config/trusted_file.h"

namespace oci_oauth {

namespace {

constexpr size_t config_limit = MiB;
// What the file leaves to the profile's name, and what follows from it.
void complete(Profile& profile) {
  if (profile.provider.empty()) profile.provider = profile.source ? exec_provider : profile.name;
  if (profile.targets.empty()) profile.targets = {"/run/secrets/" + profile.name};
  profile.target = profile.targets.front();
}

// Who gets it is up to the profile that delivers it, so nothing else may say so.
Result<void> check_delivered(const Profile& profile) {
  const bool decides = profile.deliver_to != DeliverTo::chosen || profile.annotations != Trust::no ||
                       profile.delivery != Delivers::token;
  if (profile.delivered_by.empty() || !decides) return {};
  return configuration_error(
      "/profiles/" + profile.name + "/target",
      fmt::format("is that of profile '{}', whose delivery, deliver_to and trust_annotations count",
                  profile.delivered_by));
}

// Profiles of one document at the same targets: all but one are delivered by that one.
void join_targets(Config& config) {
  const auto is_beside = [](const Profile& a, const Profile& b) {
    return !a.credentials.empty() && a.credentials == b.credentials && a.targets == b.targets;
  };
  for (Profile& profile : config.profiles) {
    if (profile.entry.empty() || profile.credentials.empty()) continue;
    const auto beside = [&](const Profile& other) { return is_beside(profile, other); };
    const auto whole = [&](const Profile& other) { return beside(other) && other.entry.empty(); };
    const auto first = std::ranges::find_if(config.profiles, whole);
    Profile& leader =
        first != config.profiles.end() ? *first : *std::ranges::find_if(config.profiles, beside);
    if (&leader == &profile) continue;
    profile.delivered_by = leader.name;
    leader.others.push_back({profile.provider, profile.entry, base_name(profile.credentials)});
  }
}

struct PlacedTarget {
  const Profile* profile;
  const std::string* target;
};

// With nested targets, a mount at the outer one would cover the inner one, or contain its files.
Result<void> check_apart(const PlacedTarget& a, const PlacedTarget& b) {
  const bool same = *a.target == *b.target;
  if (!same && !lies_within(*a.target, *b.target) && !lies_within(*b.target, *a.target)) return {};
  const bool own = a.profile == b.profile;
  const std::string place = "/profiles/" + a.profile->name + "/target";
  if (same && own) return configuration_error(place, fmt::format("'{}' is listed twice", *a.target));
  if (same) {
    return configuration_error(
        place, fmt::format("'{}' is also the target of profile '{}'", *a.target, b.profile->name));
  }
  return configuration_error(place, fmt::format("'{}' and the target '{}' of profile '{}' overlap", *a.target,
                                                *b.target, b.profile->name));
}

Result<void> check_targets(const Config& config) {
  std::vector<PlacedTarget> placed;
  for (const Profile& profile : config.profiles) {
    if (!profile.delivered_by.empty()) continue;
    for (const std::string& target : profile.targets) {
      const PlacedTarget one = {&profile, &target};
      for (const PlacedTarget& other : placed) {
        TRY(check_apart(one, other));
      }
      placed.push_back(one);
    }
  }
  return {};
}

Result<void> check_sinks(const Config& config) {
  for (const Sink& sink : config.sinks) {
    const bool is_of_fleet = std::ranges::any_of(config.profiles, [&](const Profile& profile) {
      return profile.in_fleet &&
             (sink.profiles.empty() || std::ranges::find(sink.profiles, profile.name) != sink.profiles.end());
    });
    if (is_of_fleet && sink.host.empty())
      return configuration_error(sink.place, "needs \"host\", the one host of the fleet that runs it");
    for (const std::string& profile : sink.profiles) {
      if (config.find(profile) != nullptr) continue;
      return configuration_error(sink.place + "/profiles", fmt::format("there is no profile '{}'", profile));
    }
  }
  return {};
}

void complete(FleetConfig& fleet, const std::vector<Profile>& profiles) {
  if (fleet.kubernetes && fleet.ca_file.empty()) fleet.ca_file = cluster_ca_file;
  for (const Profile& profile : profiles) {
    if (profile.in_fleet) fleet.profiles.push_back(profile.name);
  }
}

Result<void> check_fleet(const Config& config) {
  if (config.fleet && !config.fleet->kubernetes && config.fleet->endpoints.empty())
    return configuration_error("/fleet/endpoints", "is empty");
  for (const Profile& profile : config.profiles) {
    const std::string place = "/profiles/" + profile.name;
    if (profile.in_fleet && !config.fleet)
      return configuration_error(place + "/fleet", "there is no \"fleet\" in the configuration");
    if (profile.in_fleet && profile.source)
      return configuration_error(place + "/fleet", "cannot be combined with \"source\"");
    if (profile.in_fleet && !profile.entry.empty())
      return configuration_error(place + "/fleet", "cannot be combined with \"entry\"");
    const bool follows =
        profile.in_fleet && config.fleet->role == FleetRole::follower && config.fleet->refreshers.empty();
    if (profile.credentials.empty() && !profile.source && !follows)
      return configuration_error(place, "needs \"credentials\" on a refresher of the fleet");
  }
  return {};
}

Result<void> check(const Config& config) {
  for (const Profile& profile : config.profiles) TRY(check_delivered(profile));
  TRY(check_targets(config));
  TRY(check_sinks(config));
  return check_fleet(config);
}

}  // namespace

bool is_valid_name(std::string_view name) {
  std::string text(name);
  return Name::why_not(text) == nullptr;
}

const Profile* Config::find(std::string_view profile) const {
  const auto found = std::ranges::find(profiles, profile, &Profile::name);
  return found == profiles.end() ? nullptr : &*found;
}

std::vector<const Profile*> Config::delivered_with(const Profile& profile) const {
  std::vector<const Profile*> all = {&profile};
  for (const Profile& other : profiles) {
    if (other.delivered_by == profile.name) all.push_back(&other);
  }
  return all;
}

Result<Config> parse_config(std::string_view text, std::string_view path) {
  auto json = TRY(parse_configuration(text, path));
  Config config;
  config.path = path;
  TRY(KeyReader::read(json, config.path, config));
  for (Profile& profile : config.profiles) complete(profile);
  if (config.fleet) complete(*config.fleet, config.profiles);
  join_targets(config);
  if (auto checked = check(config); !checked) return std::move(checked).error().in(path);
  return config;
}

bool could_block(const std::string& path, bool named) {
  const auto text = read_file({.path = path}, config_limit);
  if (text) return text->find("\"block\"") != std::string::npos;
  return named && text.error().kind != ErrorKind::not_found;
}

Result<Config> load_config(const std::string& path) {
  auto text = read_trusted_file(path, config_limit, Owners::root_or_caller);
  if (text) return parse_config(*text, path);
  Error error = std::move(text).error();
  if (error.kind == ErrorKind::not_found)
    return std::move(error).with_hint("create it, as shown in: man 5 oci-oauth-config");
  error.kind = ErrorKind::configuration;
  return error;
}

}  // namespace oci_oauth
