// SPDX-License-Identifier: Apache-2.0
// The state of each profile and the containers with its token, as one value from which the table, the JSON
// and the metrics are made. Never a token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "delivery/container_ledger.h"
#include "delivery/proxy_client.h"
#include "report/terminal.h"
#include "sinks/sinks.h"
#include "token/records.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

enum class ProfileState {
  fresh,
  due,             // still valid, and to be refreshed
  expired,         // not valid any more, but a refresh is possible
  login_required,  // a person must log in again
  unknown          // nothing has been published yet
};
// As in status --json.
constexpr std::array<std::string_view, 5> words_of(ProfileState) {
  return {"fresh", "due", "expired", "login_required", "unknown"};
}

// Which token a container has.
enum class Holding {
  current,
  outdated,  // an older one, or none: the next refresh delivers the current one
  failed,    // it could not be delivered, or a file that is not ours is in its place
  unknown
};
constexpr std::array<std::string_view, 4> words_of(Holding) {
  return {"current", "outdated", "failed", "unknown"};
}

struct ContainerView {
  std::string id;
  DeliveryKind delivery = DeliveryKind::mount;
  std::string path;  // in the container
  Time since;
  Holding token = Holding::unknown;
  std::string reason = {}, hint = {};  // if it is not current
  // environment variables in the container that take precedence over the token
  std::vector<std::string> shadowed_by = {};
  std::optional<ProxiedContainer> asked = {};  // with a socket, as long as the proxy knows it
};

struct ProfileView {
  std::string name, provider = {};
  ProfileState state = ProfileState::unknown;
  std::optional<Published> published = {};
  RefreshHistory history = {};
  std::vector<ContainerView> containers = {};  // running ones
  bool is_left_over = false;                   // not in the configuration any more

  std::optional<Time> expires_at() const;  // of the token; nullopt: unknown
};

struct Overview {
  static constexpr int version = 1;  // of its JSON

  std::string config, runtime_dir;  // paths
  ShareStorage storage = ShareStorage::memory;
  std::vector<ProfileView> profiles = {};
  std::vector<SinkState> sinks = {};
  std::vector<Error> unreadable = {};  // records of containers
  // Of a host in a fleet; nullopt also if the program that follows has never run.
  std::optional<FollowerState> follower = {};
};

// Changes nothing, and needs no network. Failure: the runtime directory belongs to another user, or contains
// what this version did not write.
Result<Overview> look_over(const Config& config, Time now);

// The login's expiry is reported as a warning from this long before it.
constexpr Milliseconds login_warning = std::chrono::hours(72);

// For people: a table of profiles, remarks with hints, a table of containers.
std::string overview_text(const Overview& overview, Time now, const Display& display);
// For scripts, indented, with a final newline; oci-oauth(1) describes its words.
std::string overview_json(const Overview& overview);
// Prometheus' text exposition format 0.0.4, for `status --prometheus` and for the node exporter's textfile
// collector.
std::string metrics_text(const Overview& overview, Time now);

// Takes an overview and publishes it as the configured metrics_file (whole, by rename, mode 0644: the
// exporter is another user). Does nothing if none is configured. Failure: "PATH: reason".
Result<void> write_metrics_file(const Config& config, Time now);

}  // namespace oci_oauth
