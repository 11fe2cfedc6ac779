// SPDX-License-Identifier: Apache-2.0
#include "delivery/choice.h"

#include <algorithm>
#include <utility>

#include "base/fmt.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

// Whether the container as a whole may be chosen, besides by a mount at the target.
enum class Whole { no, yes };

Decision decide(const Config& config, const Profile& profile, const std::string& target,
                const CallContext& context, const Spec& spec, Whole whole) {
  const std::string share = fmt::format("{}/share/{}", config.runtime_dir, profile.name);
  const auto& names = context.by_argument;
  const bool named = std::ranges::find(names, profile.name) != names.end();
  const bool may = whole == Whole::yes;
  return decide(spec, {.profile = profile.name,
                       .target = target,
                       .to_all = may && profile.deliver_to == DeliverTo::all,
                       .by_argument = may && named,
                       .trusts_annotations = may && profile.trusts_annotations,
                       .in_build = context.in_build,
                       .share = share});
}

// A container that is chosen as a whole gets the token at each target where a person mounted something, or at
// the first one if there is no such mount.
void choose(const Config& config, const Profile& profile, const CallContext& context, const Spec& spec,
            Choice& choice) {
  std::vector<PassedOver> passed_over;
  bool is_chosen = false;
  const auto consider = [&](const std::string& target, Whole whole) {
    Decision decision = decide(config, profile, target, context, spec, whole);
    if (decision.consent != Consent::no) {
      is_chosen = true;
      // A socket of the container's own is never in a directory of the host.
      if (profile.delivery == Delivers::socket) decision.consent = Consent::mount;
      choice.chosen.push_back({&profile, target, decision.consent, decision.bind_source});
    } else if (!decision.why_not.empty() &&
               std::ranges::count(passed_over, decision.why_not, &PassedOver::why_not) == 0) {
      passed_over.push_back({&profile, std::move(decision.why_not)});
    }
  };
  if (profile.targets.size() == 1) {
    consider(profile.target, Whole::yes);
  } else {
    for (const std::string& target : profile.targets) consider(target, Whole::no);
    if (!is_chosen) consider(profile.target, Whole::yes);
  }
  if (is_chosen) return;
  for (PassedOver& one : passed_over) choice.passed_over.push_back(std::move(one));
}

}  // namespace

Choice choose(const Config& config, const CallContext& context, const Spec& spec) {
  Choice choice;
  for (const Profile& profile : config.profiles) {
    if (profile.delivered_by.empty()) {
      choose(config, profile, context, spec, choice);
    } else if (std::ranges::find(context.by_argument, profile.name) != context.by_argument.end()) {
      choice.passed_over.push_back(
          {&profile, fmt::format("profile '{}' delivers it, and has the same target", profile.delivered_by)});
    }
  }
  return choice;
}

std::vector<ChosenPlace> places_of(const std::vector<Chosen>& chosen) {
  std::vector<ChosenPlace> places;
  places.reserve(chosen.size());
  for (const Chosen& one : chosen) places.push_back({one.profile, std::string(one.target)});
  return places;
}

std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen) {
  std::vector<const Profile*> profiles;
  for (const Chosen& one : chosen) {
    if (std::ranges::find(profiles, one.profile) == profiles.end()) profiles.push_back(one.profile);
  }
  return profiles;
}

void log_passed_over(const Log& log, std::string_view container, const Choice& choice) {
  for (const PassedOver& one : choice.passed_over) {
    log.write(Priority::notice, fmt::format("profile '{}', container {}: no token delivered: {}",
                                            one.profile->name, container, one.why_not));
  }
}

std::vector<std::string> environment_of(const std::vector<ChosenPlace>& places,
                                        const std::vector<std::string>& provider_directories,
                                        const Log& log) {
  std::vector<std::string> environment;
  const Profile* last = nullptr;
  for (const auto& [profile, target] : places) {
    if (std::exchange(last, profile) == profile) continue;
    const auto provider = load_provider(*profile, provider_directories);
    if (!provider) {
      log.write(Priority::warning, Error(provider.error()).in(fmt::format("profile '{}'", profile->name)));
      continue;
    }
    for (std::string& assignment : environment_of(*provider, *profile, target)) {
      environment.push_back(std::move(assignment));
    }
  }
  return environment;
}

}  // namespace oci_oauth
