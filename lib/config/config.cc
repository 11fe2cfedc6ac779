// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
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

void complete(FleetConfig& fleet, const std::vector<Profile>& profiles) {
  if (fleet.kubernetes && fleet.ca_file.empty()) fleet.ca_file = cluster_ca_file;
  for (const Profile& profile : profiles) {
    if (profile.in_fleet) fleet.profiles.push_back(profile.name);
  }
}

// Profiles of one document at the same targets: all but one are delivered by that one.
void join_targets(Config& config) {
  for (Profile& profile : config.profiles) {
    if (profile.entry.empty() || profile.credentials.empty()) continue;
    const auto is_beside = [&](const Profile& other) {
      return profile.credentials == other.credentials && profile.targets == other.targets;
    };
    const auto is_whole = [&](const Profile& other) { return other.entry.empty() && is_beside(other); };
    auto leader = std::ranges::find_if(config.profiles, is_whole);
    if (leader == config.profiles.end()) leader = std::ranges::find_if(config.profiles, is_beside);
    if (&*leader == &profile) continue;
    profile.delivered_by = leader->name;
    leader->others.push_back({profile.provider, profile.entry, base_name(profile.credentials)});
  }
}

// Who gets it is up to the profile that delivers it, so nothing else may say so.
Result<void> check_delivered(const Profile& profile) {
  const bool decides = profile.deliver_to != DeliverTo::chosen || profile.trusts_annotations ||
                       profile.delivery != Delivers::token;
  if (profile.delivered_by.empty() || !decides) return {};
  return profile_error(
      profile, "target",
      fmt::format("is that of profile '{}', whose delivery, deliver_to and trust_annotations count",
                  profile.delivered_by));
}

struct PlacedTarget {
  const Profile* profile;
  const std::string* target;
};

// With nested targets, a mount at the outer one would cover the inner one, or contain its files.
Result<void> check_apart(const PlacedTarget& a, const PlacedTarget& b) {
  const std::string &target = *a.target, &other = *b.target;
  if (target != other && !lies_within(target, other) && !lies_within(other, target)) return {};
  std::string why = fmt::format("'{}' is also the target of profile '{}'", target, b.profile->name);
  if (target != other)
    why = fmt::format("'{}' and the target '{}' of profile '{}' overlap", target, other, b.profile->name);
  else if (a.profile == b.profile)
    why = fmt::format("'{}' is listed twice", target);
  return profile_error(*a.profile, "target", why);
}

Result<void> check_targets(const Config& config) {
  std::vector<PlacedTarget> placed;
  for (const Profile& profile : config.profiles) {
    if (!profile.delivered_by.empty()) continue;
    for (const std::string& target : profile.targets) {
      const PlacedTarget one = {&profile, &target};
      for (const PlacedTarget& other : placed) TRY(check_apart(one, other));
      placed.push_back(one);
    }
  }
  return {};
}

Result<void> check_sinks(const Config& config) {
  for (const Sink& sink : config.sinks) {
    const auto is_of_fleet = [&](const Profile& profile) {
      return profile.in_fleet &&
             (sink.profiles.empty() || std::ranges::count(sink.profiles, profile.name) > 0);
    };
    if (sink.host.empty() && std::ranges::any_of(config.profiles, is_of_fleet))
      return configuration_error(sink.place, "needs \"host\", the one host of the fleet that runs it");
    for (const std::string& profile : sink.profiles) {
      if (config.find(profile) == nullptr)
        return configuration_error(sink.place + "/profiles",
                                   fmt::format("there is no profile '{}'", profile));
    }
  }
  return {};
}

Result<void> check_fleet(const Config& config) {
  const auto& fleet = config.fleet;
  if (fleet && !fleet->kubernetes && fleet->endpoints.empty())
    return configuration_error("/fleet/endpoints", "is empty");
  for (const Profile& profile : config.profiles) {
    if (profile.in_fleet && !fleet)
      return profile_error(profile, "fleet", "there is no \"fleet\" in the configuration");
    if (profile.in_fleet && profile.source)
      return profile_error(profile, "fleet", "cannot be combined with \"source\"");
    if (profile.in_fleet && !profile.entry.empty())
      return profile_error(profile, "fleet", "cannot be combined with \"entry\"");
    const bool follows = profile.in_fleet && fleet->role == FleetRole::follower && fleet->refreshers.empty();
    if (profile.credentials.empty() && !profile.source && !follows)
      return configuration_error("/profiles/" + profile.name,
                                 "needs \"credentials\" on a refresher of the fleet");
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
  TRY(KeyReader::read_object(json, config.path, config));
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
