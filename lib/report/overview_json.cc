// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include "base/record.h"

namespace oci_oauth {

namespace {

std::string shown(const std::optional<Time>& time) {
  return time ? rfc3339(*time) : "";
}

}  // namespace

struct ShownError {
  const LastError& error;
};

void describe(auto& each, const ShownError& shown) {
  each("kind", shown.error.kind, Presence::required);
  each("message", shown.error.message, Presence::required);
  each("at", rfc3339(shown.error.at), Presence::required);
}

void describe(auto& each, const ContainerView& container) {
  each("id", container.id, Presence::required);
  each("delivery", container.delivery, Presence::required);
  each("path", container.path, Presence::required);
  each("state", container.token, Presence::required);
  each("reason", container.reason, Presence::nullable);
  each("shadowed_by", container.shadowed_by, Presence::required);
  if (!container.asked) return;
  each("requests", container.asked->requests, Presence::required);
  each("refused", container.asked->refused, Presence::required);
  each("bytes", container.asked->bytes, Presence::required);
}

struct ShownArrival {
  const FleetArrival& fleet;
};

void describe(auto& each, const ShownArrival& shown_arrival) {
  const FleetArrival& fleet = shown_arrival.fleet;
  each("login", fleet.login, Presence::required);
  each("generation", fleet.generation, Presence::required);
  each("obtained_at", rfc3339(fleet.obtained_at), Presence::required);
  each("arrived_at", rfc3339(fleet.arrived_at), Presence::required);
  each("refreshing", fleet.refreshing, Presence::nullable);
}

void describe(auto& each, const ProfileView& profile) {
  std::optional<ShownError> error;
  if (profile.published && profile.published->last_error)
    error.emplace(ShownError{*profile.published->last_error});
  each("name", profile.name, Presence::required);
  each("provider", profile.provider, Presence::required);
  each("state", profile.state, Presence::required);
  each("expires_at", shown(profile.expires_at()), Presence::nullable);
  each("refreshed_at", shown(profile.history.refreshed_at), Presence::nullable);
  each("login_expires_at", shown(profile.history.login_expires_at), Presence::nullable);
  each("last_error", error, Presence::nullable);
  each("containers", profile.containers, Presence::required);
  std::optional<ShownArrival> fleet;
  if (profile.history.fleet) fleet.emplace(ShownArrival{*profile.history.fleet});
  each("fleet", fleet);
}

struct ShownSink {
  const SinkState& sink;
};

void describe(auto& each, const ShownSink& shown_sink) {
  const SinkState& sink = shown_sink.sink;
  each("profile", sink.profile, Presence::required);
  each("sink", sink.sink, Presence::required);
  each("delivered_at", shown(sink.delivered_at), Presence::nullable);
  each("failures", sink.failures, Presence::required);
  each("error", sink.error, Presence::nullable);
  each("failed_at", shown(sink.failed_at), Presence::nullable);
}

struct ShownFollower {
  const FollowerState& state;
};

void describe(auto& each, const ShownFollower& shown_follower) {
  const FollowerState& state = shown_follower.state;
  each("is_connected", state.is_following(), Presence::required);
  each("since", rfc3339(state.since), Presence::required);
  each("why", state.why, Presence::nullable);
  each("losses", state.losses, Presence::required);
}

struct Status {
  static constexpr int version = 1;

  const std::vector<ProfileView>& profiles;
  std::vector<ShownSink> sinks;
  std::optional<ShownFollower> follower;
};

void describe(auto& each, const Status& status) {
  each("profiles", status.profiles, Presence::required);
  each("sinks", status.sinks, Presence::required);
  each("follower", status.follower);
}

std::string overview_json(const Overview& overview) {
  Status status = {overview.profiles, {}, {}};
  if (overview.follower) status.follower.emplace(ShownFollower{*overview.follower});
  for (const SinkState& sink : overview.sinks) status.sinks.push_back({sink});
  return std::string(write_record(status, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
