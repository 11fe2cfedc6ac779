// SPDX-License-Identifier: Apache-2.0
// What the programs on a container's way share: which profiles are chosen, and a chosen container's
// environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "delivery/consent.h"
#include "program/log.h"

namespace oci_oauth {

// How one of our programs was called for a container.
struct CallContext {
  std::vector<std::string> by_argument;  // --profile
  bool in_build = false;                 // is_build_step() of the container
};

// A target in the container that a person chose for a profile's token.
struct Chosen {
  const Profile* profile;
  std::string_view target;  // one of the profile's
  Consent consent;
  std::string_view bind_source;  // for Consent::write: the mount's source, from the spec
  // environment variables in the container that take precedence over the token
  std::vector<std::string> shadowed_by = {};
};

// A profile that the container does not get, although a person may have wanted it.
struct PassedOver {
  const Profile* profile;
  std::string why_not;  // one sentence, for the log
};

struct Choice {
  std::vector<Chosen> chosen;
  std::vector<PassedOver> passed_over;
};

// The first step of each program on a container's way. The result refers to `config` and `spec`.
Choice choose(const Config& config, const CallContext& context, const Spec& spec);

// The profiles in `chosen`, each once, in that order.
std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen);

// Logs one line for each profile that was not chosen.
void log_passed_over(const Log& log, std::string_view container, const Choice& choice);

// Where a container finds a profile's token.
struct ChosenPlace {
  const Profile* profile;
  std::string target;
};
std::vector<ChosenPlace> places_of(const std::vector<Chosen>& chosen);

// The environment variables that the profiles' providers set, in the order of the profiles; they use the
// first target of each. A provider that cannot be read is logged and skipped.
std::vector<std::string> environment_of(const std::vector<ChosenPlace>& places,
                                        const std::vector<std::string>& provider_directories, const Log& log);

}  // namespace oci_oauth
