// SPDX-License-Identifier: Apache-2.0
// Who gets a token: only a container that a person on the host chose. Nothing in an image counts. And what
// the programs on a container's way do with the choice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "oci/spec.h"
#include "program/log.h"

namespace oci_oauth {

// A person's configuration, in terms of the runtime-spec.
struct DeliveryRule {
  std::string_view profile;
  std::string_view target;          // normalised absolute path in the container
  bool to_all = false;              // deliver_to: all
  bool by_argument = false;         // --profile P on the hook's command line
  bool trusts_annotations = false;  // trust_annotations: true
  bool in_build = false;            // the container runs a step of an image build
  std::string_view share;           // path of the profile's share directory on the host
};

enum class Consent {
  no,        // nobody chose this container
  mount,     // mount the share directory at the target
  write,     // write into the directory that a person bind-mounted at the target
  in_place,  // the person bind-mounted the share directory itself: it only has to be fresh
};

struct Decision {
  Consent consent = Consent::no;
  std::string_view bind_source = {};  // for write: the mount's source
  std::string why_not =
      {};  // for no, if a person may have wanted it: one sentence for the log; otherwise empty
};

constexpr std::string_view profiles_annotation = "io.oci-oauth.profiles";

Decision decide(const Spec& spec, const DeliveryRule& rule);

// A path that an engine created for an image's VOLUME: it has a component of 64 hexadecimal digits.
bool is_anonymous_volume(std::string_view source);

// A container in which Buildah ("podman build") or BuildKit runs a step of a Dockerfile. The Dockerfile's
// author, who may be anybody, chooses its mounts ("RUN --mount=type=tmpfs,target=…"), and a VOLUME of the
// base image becomes a bind mount whose source does not reveal this.
bool is_build_step(const ContainerState& state);

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
struct Skipped {
  const Profile* profile;
  std::string why_not;  // one sentence, for the log
};

struct Choice {
  std::vector<Chosen> chosen;
  std::vector<Skipped> skipped;
};

// The first step of each program on a container's way. The result refers to `config` and `spec`.
Choice choose(const Config& config, const CallContext& context, const Spec& spec);

// The profiles in `chosen`, each once, in that order.
std::vector<const Profile*> profiles_of(const std::vector<Chosen>& chosen);

// Logs one line for each profile that was not chosen.
void log_skipped(const Log& log, std::string_view container, const Choice& choice);

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
