// SPDX-License-Identifier: Apache-2.0
// What the programs on a container's way share: who is chosen, and what a chosen container finds in its
// environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "delivery/consent.h"
#include "program/log.h"

namespace oci_oauth {

// How a program of ours was called for a container.
struct Occasion {
  std::vector<std::string> by_argument;  // --profile
  bool in_build = false;                 // is_build_step() of the container
};

// A place in the container that a person chose for a profile's token.
struct Chosen {
  const Profile* profile;
  std::string_view target;  // one of the profile's
  Consent consent;
  std::string_view bind_source;               // consent write: the mount's source, of the spec
  std::vector<std::string> shadowed_by = {};  // variables of the container that win over the token
};

// A profile that the container does not get although a person may have wanted it.
struct PassedOver {
  const Profile* profile;
  std::string why_not;  // one sentence, for the log
};

struct Choice {
  std::vector<Chosen> chosen;
  std::vector<PassedOver> passed_over;
};

// The first step of each program on a container's way. The result refers to `config` and `spec`.
Choice choose(const Config& config, const Occasion& occasion, const Spec& spec);

// The profiles of `chosen`, each once, in its order.
std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen);

// One line for each profile that is passed over.
void log_passed_over(const Log& log, std::string_view container, const Choice& choice);

// Where a container finds a profile's token.
struct Place {
  const Profile* profile;
  std::string target;
};
std::vector<Place> places_of(const std::vector<Chosen>& chosen);

// The variables that the profiles' providers want, the first profile's first; they name the first place of
// each. A provider that cannot be read is logged and left out.
std::vector<std::string> environment_of(const std::vector<Place>& places,
                                        const std::vector<std::string>& provider_directories, const Log& log);

}  // namespace oci_oauth
