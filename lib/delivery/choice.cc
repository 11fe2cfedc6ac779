// SPDX-License-Identifier: Apache-2.0
#include "delivery/choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "token/provider.h"

namespace oci_oauth {

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
