// SPDX-License-Identifier: Apache-2.0
// How each profile is and who holds its token, as one value that the table, the JSON and the metrics are made
// from. Never a token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "delivery/container_record.h"
#include "sinks/sinks.h"
#include "token/published.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

enum class ProfileState {
  fresh,
  due,             // valid, and to be refreshed
  expired,         // no longer valid, and refreshable
  login_required,  // a person must log in again
  unknown          // nothing has been published yet
};
std::string_view word(ProfileState state);  // as in status --json

// Which token a container has.
enum class Holding {
  current,
  outdated,  // an older one, or none: the next refresh mends it
  failed,    // it could not be delivered, or is somebody else's
  unknown
};
std::string_view word(Holding holding);

struct ContainerView {
  std::string id;
  DeliveryKind delivery = DeliveryKind::mount;
  std::string path;  // in the container
  Time since;
  Holding token = Holding::unknown;
  std::string reason = {}, hint = {};         // where it is not current
  std::vector<std::string> shadowed_by = {};  // variables of its environment that win over the token
};
std::string_view word(DeliveryKind delivery);

struct ProfileView {
  std::string name, provider = {};
  ProfileState state = ProfileState::unknown;
  std::optional<Published> published = {};
  std::vector<ContainerView> containers = {};  // that run
  bool is_left_over = false;                   // the configuration does not have it any more

  std::optional<Time> expires_at() const;        // of the token; nullopt: none is known
  std::optional<Time> refreshed_at() const;      // by us
  std::optional<Time> login_expires_at() const;  // of the login itself, where it says so
};

struct Overview {
  std::string config, runtime_dir;  // paths
  ShareStorage storage = ShareStorage::memory;
  std::vector<ProfileView> profiles;
  std::vector<SinkState> sinks;
  std::vector<Error> unreadable = {};  // records of containers
};

ProfileState state_of(const std::optional<Published>& published, Time now);

// Makes and changes nothing, and needs no network. Failure: the runtime directory is another user's, or holds
// what this version did not write.
Result<Overview> look_over(const Config& config, Time now);

}  // namespace oci_oauth
