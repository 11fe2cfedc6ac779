// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include "base/record.h"

namespace oci_oauth {

namespace {

std::string shown(const std::optional<Time>& time) {
  return time ? rfc3339(*time) : "";
}

}  // namespace

// A record that has another description where it is kept.
template <class Record>
struct Shown {
  const Record& record;
};

void describe(auto& each, const Shown<LastError>& shown) {
  each("kind", shown.record.kind, Presence::required);
  each("message", shown.record.message, Presence::required);
  each("at", rfc3339(shown.record.at), Presence::required);
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

void describe(auto& each, const Shown<FleetArrival>& shown_record) {
  const FleetArrival& fleet = shown_record.record;
  each("login", fleet.login, Presence::required);
  each("generation", fleet.generation, Presence::required);
  each("obtained_at", rfc3339(fleet.obtained_at), Presence::required);
  each("arrived_at", rfc3339(fleet.arrived_at), Presence::required);
  each("refreshing", fleet.refreshing, Presence::nullable);
}

void describe(auto& each, const ProfileView& profile) {
  std::optional<Shown<LastError>> error;
  if (profile.published && profile.published->last_error)
    error.emplace(Shown<LastError>{*profile.published->last_error});
  each("name", profile.name, Presence::required);
  each("provider", profile.provider, Presence::required);
  each("state", profile.state, Presence::required);
  each("expires_at", shown(profile.expires_at()), Presence::nullable);
  each("refreshed_at", shown(profile.history.refreshed_at), Presence::nullable);
  each("login_expires_at", shown(profile.history.login_expires_at), Presence::nullable);
  each("last_error", error, Presence::nullable);
  each("containers", profile.containers, Presence::required);
  std::optional<Shown<FleetArrival>> fleet;
  if (profile.history.fleet) fleet.emplace(Shown<FleetArrival>{*profile.history.fleet});
  each("fleet", fleet);
}

void describe(auto& each, const Shown<SinkState>& shown_record) {
  const SinkState& sink = shown_record.record;
  each("profile", sink.profile, Presence::required);
  each("sink", sink.sink, Presence::required);
  each("delivered_at", shown(sink.delivered_at), Presence::nullable);
  each("failures", sink.failures, Presence::required);
  each("error", sink.error, Presence::nullable);
  each("failed_at", shown(sink.failed_at), Presence::nullable);
}

void describe(auto& each, const Shown<FollowerState>& shown_record) {
  const FollowerState& state = shown_record.record;
  each("is_connected", state.is_following(), Presence::required);
  each("since", rfc3339(state.since), Presence::required);
  each("why", state.why, Presence::nullable);
  each("losses", state.losses, Presence::required);
}

struct Status {
  static constexpr int version = 1;

  const std::vector<ProfileView>& profiles;
  std::vector<Shown<SinkState>> sinks;
  std::optional<Shown<FollowerState>> follower;
};

void describe(auto& each, const Status& status) {
  each("profiles", status.profiles, Presence::required);
  each("sinks", status.sinks, Presence::required);
  each("follower", status.follower);
}

std::string overview_json(const Overview& overview) {
  Status status = {overview.profiles, {}, {}};
  if (overview.follower) status.follower.emplace(Shown<FollowerState>{*overview.follower});
  for (const SinkState& sink : overview.sinks) status.sinks.push_back({sink});
  return std::string(write_record(status, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
