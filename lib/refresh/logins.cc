// SPDX-License-Identifier: Apache-2.0
#include "refresh/logins.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "base/file.h"
#include "base/path.h"

namespace oci_oauth {

namespace {

// rename(2) replaces a document, so it is identified by its directory and name, or by the path itself if its
// directory cannot be seen.
using Place = std::tuple<dev_t, ino_t, std::string, std::string>;

Place place_of(const Profile& profile) {
  // A command's token is of no other profile, and neither is a record in a fleet's store.
  if (profile.source || profile.in_fleet) return {0, 0, profile.name, ""};
  const std::string& path = profile.credentials;
  const auto real = real_path(path);
  const std::string& followed = real ? *real : path;
  struct stat status;
  if (::stat(parent_directory(followed).c_str(), &status) != 0) return {0, 0, path, profile.entry};
  return {status.st_dev, status.st_ino, base_name(followed), profile.entry};
}

bool has_asked(const ProfileOutcome& done) {
  if (!done.outcome) return false;
  const auto& failure = done.outcome->failure;
  return done.outcome->refreshed || (failure && !failure->is_known);
}

}  // namespace

std::vector<LoginProfiles> logins_of(const std::vector<const Profile*>& profiles) {
  std::vector<LoginProfiles> logins;
  std::vector<Place> places;
  for (const Profile* profile : profiles) {
    const Place place = place_of(*profile);
    const auto known = std::find(places.begin(), places.end(), place);
    if (known == places.end()) {
      places.push_back(place);
      logins.push_back({profile});
    } else {
      logins[static_cast<size_t>(known - places.begin())].push_back(profile);
    }
  }
  return logins;
}

LoginProfiles siblings_of(const Config& config, const Profile& profile) {
  LoginProfiles siblings;
  if (config.profiles.size() < 2) return siblings;
  const Place place = place_of(profile);
  for (const Profile& other : config.profiles) {
    if (other.name != profile.name && place_of(other) == place) siblings.push_back(&other);
  }
  return siblings;
}

LoginProfiles fed_by(const Config& config, const Profile& profile) {
  LoginProfiles fed = siblings_of(config, profile);
  if (const Profile* by = config.find(profile.delivered_by)) fed.push_back(by);
  return fed;
}

std::vector<ProfileOutcome> follow(const Refresher& refresher, const LoginProfiles& profiles,
                                   const RefreshOutcome& first) {
  std::vector<ProfileOutcome> done;
  for (const Profile* profile : profiles) {
    done.push_back(
        {profile, refresh_profile(refresher, *profile,
                                  {.aim = {.endpoint = Endpoint::left_alone}, .follows = &first.known})});
  }
  return done;
}

std::vector<ProfileOutcome> refresh_login(const Refresher& refresher, const Config& config,
                                          const LoginProfiles& profiles, const RefreshAim& aim,
                                          std::optional<FileLock> lock) {
  std::vector<ProfileOutcome> done;
  for (const Profile* profile : profiles) {
    RefreshOptions options = {.aim = aim, .lock = std::exchange(lock, std::nullopt)};
    done.push_back({profile, refresh_profile(refresher, *profile, std::move(options))});
    if (!has_asked(done.back())) continue;
    LoginProfiles others = fed_by(config, *profile);
    std::erase_if(others, [&](const Profile* other) {
      return std::any_of(done.begin(), done.end(), [&](const auto& one) { return one.profile == other; });
    });
    auto followed = follow(refresher, others, *done.back().outcome);
    std::move(followed.begin(), followed.end(), std::back_inserter(done));
    break;
  }
  return done;
}

}  // namespace oci_oauth
