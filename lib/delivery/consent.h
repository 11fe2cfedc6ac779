// SPDX-License-Identifier: Apache-2.0
// Who gets a token: only a container that a person on the host chose. Pure; nothing in an image counts.
#pragma once

#include <string>
#include <string_view>

#include "oci/spec.h"

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
  std::string_view bind_source;  // for write: the mount's source
  std::string why_not;  // for no, if a person may have wanted it: one sentence for the log; otherwise empty
};

constexpr std::string_view profiles_annotation = "io.oci-oauth.profiles";

Decision decide(const Spec& spec, const DeliveryRule& rule);

// A path that an engine created for an image's VOLUME: it has a component of 64 hexadecimal digits.
bool is_anonymous_volume(std::string_view source);

// A container in which Buildah ("podman build") or BuildKit runs a step of a Dockerfile. The Dockerfile's
// author, who may be anybody, chooses its mounts ("RUN --mount=type=tmpfs,target=…"), and a VOLUME of the
// base image becomes a bind mount whose source does not reveal this.
bool is_build_step(const ContainerState& state);

}  // namespace oci_oauth
