// SPDX-License-Identifier: Apache-2.0
#include "delivery/choice.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

Config with_targets(std::vector<std::string> targets, DeliverTo deliver_to = DeliverTo::chosen) {
  Profile profile;
  profile.name = "claude";
  profile.targets = std::move(targets);
  profile.target = profile.targets.front();
  profile.deliver_to = deliver_to;
  Config config;
  config.runtime_dir = "/run/oci-oauth";
  config.profiles.push_back(std::move(profile));
  return config;
}

Spec with_tmpfs(const std::vector<std::string>& destinations) {
  Spec spec;
  for (const std::string& destination : destinations)
    spec.mounts.push_back({destination, "tmpfs", "tmpfs", false, false});
  return spec;
}

std::vector<std::string> targets_of(const Choice& choice) {
  std::vector<std::string> targets;
  for (const ChosenPlace& place : places_of(choice.chosen)) targets.push_back(place.target);
  return targets;
}

using Targets = std::vector<std::string>;

}  // namespace

TEST_CASE("a container gets the token at each target where a person mounted something") {
  const Config config = with_targets({"/a", "/b", "/c"});
  const Spec spec = with_tmpfs({"/b", "/c"});
  const Choice choice = choose(config, {}, spec);
  CHECK(targets_of(choice) == Targets{"/b", "/c"});
  CHECK(profiles_of(choice.chosen).size() == 1);
  CHECK(choice.passed_over.empty());
}

TEST_CASE(
    "a container that is chosen as a whole gets the token where a person mounted something, else at the "
    "first target") {
  const Config config = with_targets({"/a", "/b"}, DeliverTo::all);
  const Spec mounted = with_tmpfs({"/b"}), bare;
  CHECK(targets_of(choose(config, {}, mounted)) == Targets{"/b"});
  CHECK(targets_of(choose(config, {}, bare)) == Targets{"/a"});
  const Config chosen = with_targets({"/a", "/b"});
  CHECK(targets_of(choose(chosen, {.by_argument = {"claude"}}, bare)) == Targets{"/a"});
  CHECK(targets_of(choose(chosen, {}, bare)).empty());
}

TEST_CASE("a skipped target is reported if no target is chosen") {
  const Config config = with_targets({"/run/a", "/b"});
  CHECK(choose(config, {}, with_tmpfs({"/run"})).passed_over.size() == 1);
  CHECK(choose(config, {}, with_tmpfs({"/run", "/b"})).passed_over.empty());
}
