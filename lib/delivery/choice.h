// SPDX-License-Identifier: Apache-2.0
// What the programs on a container's way share: who is chosen, and what a chosen container finds in its
// environment.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "delivery/consent.h"
#include "token/config.h"

namespace oci_oauth {

// How a program of ours was called for a container.
struct Occasion {
  std::vector<std::string> by_argument;  // --profile
  bool in_build = false;                 // is_build_step() of the container
};

// What a person decided about `profile` for the container.
Decision decide(const Config& config, const Profile& profile, const Occasion& occasion, const Spec& spec);

// The variables that the profiles' providers want, the first profile's first. A provider that cannot be read
// is logged and left out.
std::vector<std::string> environment_of(const std::vector<const Profile*>& profiles,
                                        const std::vector<std::string>& provider_directories, const Log& log);

}  // namespace oci_oauth
