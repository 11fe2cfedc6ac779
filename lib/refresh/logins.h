// SPDX-License-Identifier: Apache-2.0
// Profiles that share a login are refreshed together: one of them sends the request, and all are published
// and delivered afterwards.
#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "refresh/refresher.h"

namespace oci_oauth {

// A login: the profiles whose credential document is the same file, by whatever path or symbolic link, with
// the same entry.
using LoginProfiles = std::vector<const Profile*>;

// The logins of `profiles`, in the order of their first profile.
std::vector<LoginProfiles> logins_of(const std::vector<const Profile*>& profiles);

// The other profiles of the configuration with this one's login.
LoginProfiles siblings_of(const Config& config, const Profile& profile);

// The other profiles for which something is published from this one's login: its siblings, and the profile
// that delivers it.
LoginProfiles fed_by(const Config& config, const Profile& profile);

struct ProfileOutcome {
  const Profile* profile;
  Result<RefreshOutcome> outcome;
};

// Refreshes `profiles`, all of one login, one after the other, until one of them has sent a request. `lock`,
// if any, is the first one's. Its
// outcome applies to every profile with this login in the configuration: none repeats the request, each is
// published.
std::vector<ProfileOutcome> refresh_login(const Refresher& refresher, const Config& config,
                                          const LoginProfiles& profiles, const RefreshAim& aim,
                                          std::optional<FileLock> lock = std::nullopt);

// The same for the profiles that share the login of one that has just been refreshed.
std::vector<ProfileOutcome> follow(const Refresher& refresher, const LoginProfiles& profiles,
                                   const RefreshOutcome& first);

}  // namespace oci_oauth
