// SPDX-License-Identifier: Apache-2.0
// Profiles that share a login are refreshed as one: one of them asks, and all are published and delivered
// after it.
#pragma once

#include <vector>

#include "config/config.h"
#include "refresh/refresher.h"

namespace oci_oauth {

// One login: profiles whose credential document is the same file, by whatever path or symbolic link.
using LoginProfiles = std::vector<const Profile*>;

// The logins of `profiles`, in the order of their first profile.
std::vector<LoginProfiles> logins_of(const std::vector<const Profile*>& profiles);

// The other profiles of the configuration with this one's login.
LoginProfiles siblings_of(const Config& config, const Profile& profile);

struct ProfileOutcome {
  const Profile* profile;
  Result<RefreshOutcome> outcome;
};

// Refreshes `profiles`, all of one login, one after the other, until one of them has asked the endpoint. What
// came of that holds for every profile of the login in the configuration: none asks again, each publishes.
std::vector<ProfileOutcome> refresh_login(const Refresher& refresher, const Config& config,
                                          const LoginProfiles& profiles, RefreshOptions options);

// The same for those that share the login of one that has been refreshed just now.
std::vector<ProfileOutcome> follow(const Refresher& refresher, const LoginProfiles& profiles,
                                   const RefreshOutcome& first);

}  // namespace oci_oauth
