// SPDX-License-Identifier: Apache-2.0
#include "delivery/consent.h"

#include <fmt/format.h>

#include "support/catch.h"

using namespace oci_oauth;
using Targets = std::vector<std::string>;

namespace {

const std::string volume = "/var/lib/docker/volumes/" + std::string(64, 'a') + "/_data";
const DeliveryRule plain = {
    .profile = "claude", .target = "/run/secrets/claude", .share = "/run/oci-oauth/share/claude"};

Spec mounting(const std::string& type, const std::string& source,
              const std::string& at = "/run/secrets/claude") {
  Spec spec;
  spec.mounts.push_back({at, type, source, type == "bind", false});
  return spec;
}

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

}  // namespace

TEST_CASE("a container that nobody chose gets nothing, and nothing is reported") {
  CHECK(decide({}, plain).consent == Consent::no);
  CHECK(decide({}, plain).why_not.empty());
}

TEST_CASE("deliver_to all and a --profile argument choose every container") {
  DeliveryRule all = plain, argument = plain;
  all.to_all = true;
  argument.by_argument = true;
  CHECK(decide({}, all).consent == Consent::mount);
  CHECK(decide({}, argument).consent == Consent::mount);
  CHECK(decide(mounting("bind", volume), all).consent == Consent::mount);
}

TEST_CASE("a tmpfs at the target chooses, however its path is written") {
  CHECK(decide(mounting("tmpfs", "tmpfs"), plain).consent == Consent::mount);
  CHECK(decide(mounting("tmpfs", "tmpfs", "/run//secrets/./claude/"), plain).consent == Consent::mount);
  CHECK(decide(mounting("tmpfs", "tmpfs", "/run/secrets"), plain).consent == Consent::no);
}

TEST_CASE("a directory that a person bound at the target is written into") {
  const Spec spec = mounting("bind", "/home/me/tokens");
  const Decision decision = decide(spec, plain);
  CHECK(decision.consent == Consent::write);
  CHECK(decision.bind_source == "/home/me/tokens");
}

TEST_CASE("the share directory bound by a person needs nothing but freshness") {
  CHECK(decide(mounting("bind", "/run/oci-oauth/share/claude/"), plain).consent == Consent::in_place);
}

TEST_CASE("a volume that the engine made for an image chooses nothing, and the log says why") {
  const Decision decision = decide(mounting("bind", volume), plain);
  CHECK(decision.consent == Consent::no);
  CHECK(decision.why_not.find("volume") != std::string::npos);
}

TEST_CASE("a tmpfs that engines make for an image, or by themselves, chooses nothing, and the log says why") {
  Spec volumes = mounting("tmpfs", "tmpfs");
  volumes.mounts[0].exec = true;
  CHECK(decide(volumes, plain).consent == Consent::no);
  CHECK(decide(volumes, plain).why_not.find("\"exec\"") != std::string::npos);
  DeliveryRule run = plain;
  run.target = "/run";
  CHECK(decide(mounting("tmpfs", "tmpfs", "/run"), run).consent == Consent::no);
  CHECK(decide(mounting("tmpfs", "tmpfs", "/run"), run).why_not.find("by themselves") != std::string::npos);
}

TEST_CASE("in an image build no mount chooses, for its Dockerfile asks for them") {
  DeliveryRule build = plain;
  build.in_build = true;
  for (const Spec& spec :
       {mounting("tmpfs", "tmpfs"), mounting("bind", "/var/tmp/buildah1/mnt/buildah-bind-target-9")}) {
    CHECK(decide(spec, build).consent == Consent::no);
    CHECK(decide(spec, build).why_not.find("Dockerfile") != std::string::npos);
  }
  build.to_all = true;
  CHECK(decide(mounting("tmpfs", "tmpfs"), build).consent == Consent::mount);
}

TEST_CASE("Buildah's and BuildKit's containers are recognised by their names") {
  ContainerState state;
  state.id = "buildah-buildah575261142";
  state.bundle = "/var/tmp/buildah575261142";
  CHECK(is_build_step(state));
  state.id = "c3hsmk5hx4gmnxl1yjc3qbs9q";
  state.bundle = "/var/lib/docker/buildkit/executor/c3hsmk5hx4gmnxl1yjc3qbs9q";
  CHECK(is_build_step(state));
  state.bundle = "/data/runc-overlayfs/executor/c3hsmk5hx4gmnxl1yjc3qbs9q";
  CHECK(is_build_step(state));
  state.bundle = "/run/containerd/io.containerd.runtime.v2.task/buildkit/c3hsmk5hx4gmnxl1yjc3qbs9q";
  CHECK(is_build_step(state));
  state.bundle = "/var/lib/containers/storage/overlay-containers/buildkitty/userdata";
  CHECK_FALSE(is_build_step(state));
}

TEST_CASE("a container of a user whose name is buildkit is not a build") {
  ContainerState state;
  state.id = "c3hsmk5hx4gmnxl1yjc3qbs9q";
  state.bundle = "/home/buildkit/.local/share/containers/storage/overlay-containers/c3hs/userdata";
  CHECK_FALSE(is_build_step(state));
}

TEST_CASE("a target within a mount is not chosen, and the log says what to do") {
  for (const bool bind : {true, false}) {
    Spec spec;
    spec.mounts.push_back({"/run", bind ? "bind" : "tmpfs", "/srv/run", bind, false});
    const Decision decision = decide(spec, plain);
    CHECK(decision.consent == Consent::no);
    CHECK(decision.why_not == fmt::format("'{}' is inside the {} at '/run', which does not choose a profile; "
                                          "mount a tmpfs or bind-mount a directory at '{}'",
                                          plain.target, bind ? "bind mount" : "tmpfs", plain.target));
  }
  Spec other;
  other.mounts.push_back({"/runs", "tmpfs", "tmpfs", false, false});
  CHECK(decide(other, plain).why_not.empty());
}

TEST_CASE("a mount of another type at the target is not chosen, and the log says so") {
  const Decision decision = decide(mounting("overlay", "overlay"), plain);
  CHECK(decision.consent == Consent::no);
  CHECK(decision.why_not.find("has the type 'overlay'") != std::string::npos);
}

TEST_CASE("a person's path that looks like an engine's volume is not chosen, and the log names it") {
  const std::string source = "/srv/" + std::string(64, 'a') + "/tokens";
  const Decision decision = decide(mounting("bind", source), plain);
  CHECK(decision.consent == Consent::no);
  CHECK(decision.why_not.find(source) != std::string::npos);
}

TEST_CASE("an annotation counts only where the profile trusts annotations") {
  Spec spec;
  spec.annotations.emplace_back("io.oci-oauth.profiles", "other, claude");
  CHECK(decide(spec, plain).consent == Consent::no);
  CHECK(decide(spec, plain).why_not.find("trust_annotations") != std::string::npos);
  DeliveryRule trusting = plain;
  trusting.trusts_annotations = true;
  CHECK(decide(spec, trusting).consent == Consent::mount);
  trusting.profile = "clau";
  CHECK(decide(spec, trusting).consent == Consent::no);
}

TEST_CASE("the last mount at the target is the one that counts") {
  Spec spec = mounting("tmpfs", "tmpfs");
  spec.mounts.push_back({"/run/secrets/claude", "bind", volume, true, false});
  CHECK(decide(spec, plain).consent == Consent::no);
}

TEST_CASE("a container gets the token at each target where a person mounted something") {
  const Config config = with_targets({"/a", "/b", "/c"});
  const Spec spec = with_tmpfs({"/b", "/c"});
  const Choice choice = choose(config, {}, spec);
  CHECK(targets_of(choice) == Targets{"/b", "/c"});
  CHECK(profiles_of(choice.chosen).size() == 1);
  CHECK(choice.skipped.empty());
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
  CHECK(choose(config, {}, with_tmpfs({"/run"})).skipped.size() == 1);
  CHECK(choose(config, {}, with_tmpfs({"/run", "/b"})).skipped.empty());
}
