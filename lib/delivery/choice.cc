// SPDX-License-Identifier: Apache-2.0
#include "delivery/choice.h"

#include <algorithm>

#include "base/fmt.h"
#include "token/provider.h"

namespace oci_oauth {

namespace {

Decision decide(const Config& config, const Profile& profile, const Occasion& occasion, const Spec& spec) {
  const std::string share = fmt::format("{}/share/{}", config.runtime_dir, profile.name);
  const auto& names = occasion.by_argument;
  const bool named = std::find(names.begin(), names.end(), profile.name) != names.end();
  return decide(spec, {.profile = profile.name,
                       .target = profile.target,
                       .to_all = profile.deliver_to == DeliverTo::all,
                       .by_argument = named,
                       .trusts_annotations = profile.annotations == Trust::yes,
                       .in_build = occasion.in_build,
                       .share = share});
}

}  // namespace

Choice choose(const Config& config, const Occasion& occasion, const Spec& spec) {
  Choice choice;
  for (const Profile& profile : config.profiles) {
    Decision decision = decide(config, profile, occasion, spec);
    if (decision.consent != Consent::no) {
      choice.chosen.push_back({&profile, profile.target, decision.consent, decision.bind_source});
    } else if (!decision.why_not.empty()) {
      choice.passed_over.push_back({&profile, std::move(decision.why_not)});
    }
  }
  return choice;
}

std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen) {
  std::vector<const Profile*> profiles;
  for (const Chosen& one : chosen) {
    if (std::find(profiles.begin(), profiles.end(), one.profile) == profiles.end())
      profiles.push_back(one.profile);
  }
  return profiles;
}

void log_passed_over(const Log& log, std::string_view container, const Choice& choice) {
  for (const PassedOver& one : choice.passed_over) {
    log.write(Priority::notice, fmt::format("profile '{}', container {}: no token delivered: {}",
                                            one.profile->name, container, one.why_not));
  }
}

std::vector<std::string> environment_of(const std::vector<const Profile*>& profiles,
                                        const std::vector<std::string>& provider_directories,
                                        const Log& log) {
  std::vector<std::string> environment;
  for (const Profile* profile : profiles) {
    const auto provider = load_provider(profile->provider, provider_directories);
    if (!provider) {
      log.write(Priority::warning, Error(provider.error()).in(fmt::format("profile '{}'", profile->name)));
      continue;
    }
    for (std::string& assignment : environment_of(*provider, profile->target)) {
      environment.push_back(std::move(assignment));
    }
  }
  return environment;
}

}  // namespace oci_oauth
