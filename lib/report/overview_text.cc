// SPDX-License-Identifier: Apache-2.0
#include <iterator>

#include "base/fmt.h"
#include "base/record.h"
#include "base/text.h"
#include "program/hint.h"
#include "report/overview.h"
#include "report/text_table.h"

namespace oci_oauth {

namespace {

constexpr size_t id_length = 12;  // as in Docker and Podman
constexpr const char* nothing = "-";

// Below a minute the words do not change, so that a table that is redrawn once a minute is always right.
std::string span(Milliseconds duration) {
  return duration < std::chrono::minutes(1) ? "under 1 min" : describe(duration);
}

std::string ago(Time then, Time now) {
  return now - then < std::chrono::minutes(1) ? "just now" : describe(now - then) + " ago";
}

Cell state_cell(ProfileState state) {
  const Cell cells[] = {{"fresh", Tone::good},
                        {"due for a refresh", Tone::attention},
                        {"expired", Tone::bad},
                        {"log in again", Tone::bad},
                        {"never refreshed", Tone::attention}};
  static_assert(std::size(cells) == words_of(ProfileState{}).size());
  return cells[static_cast<size_t>(state)];
}

Cell login_cell(const std::optional<Time>& end, Time now) {
  if (!end) return {nothing};
  if (*end <= now) return {"expired", Tone::bad};
  return {"in " + span(*end - now), *end - now < login_warning ? Tone::attention : Tone::plain};
}

Row profile_row(const ProfileView& profile, Time now) {
  const auto expires_at = profile.expires_at();
  const auto refreshed_at = profile.history.refreshed_at;
  const bool alive = expires_at && *expires_at > now;
  return {{profile.name},
          profile.is_left_over ? Cell{"not configured", Tone::bad} : state_cell(profile.state),
          {alive ? span(*expires_at - now) : nothing},
          {refreshed_at ? ago(*refreshed_at, now) : nothing},
          login_cell(profile.history.login_expires_at, now)};
}

Row container_row(const ProfileView& profile, const ContainerView& container, Time now) {
  constexpr Tone tones[] = {Tone::good, Tone::bad, Tone::bad, Tone::attention};
  static_assert(std::size(tones) == words_of(Holding{}).size());
  const std::string delivery(word(container.delivery));
  return {{container.id.substr(0, id_length)},
          {profile.name},
          {container.asked ? fmt::format("{}, {} requests", delivery, container.asked->requests) : delivery},
          {ago(container.since, now)},
          {std::string(word(container.token)), tones[static_cast<size_t>(container.token)]},
          {container.path}};
}

// What a person should know, and below it what to do.
class Remarks {
 public:
  Remarks(const Overview& overview, Time now, Colour colour)
      : overview_(overview), now_(now), colour_(colour) {}

  std::string text() && {
    for (const ProfileView& profile : overview_.profiles) {
      if (!profile.published && !profile.is_left_over)
        add(Tone::attention, profile.name, "nothing has been published yet",
            fmt::format("oci-oauth refresh {}", profile.name));
      on_error(profile);
      on_login(profile);
      for (const ContainerView& container : profile.containers) on_container(profile, container);
    }
    on_fleet();
    for (const SinkState& sink : overview_.sinks) on_sink(sink);
    for (const Error& error : overview_.unreadable)
      add(Tone::attention, "container record", error.message, error.hint);
    if (overview_.storage == ShareStorage::disk)
      add(Tone::attention, overview_.runtime_dir + "/share", "is on a disk, not in memory",
          "set \"runtime_dir\" to a directory on a tmpfs, as /run is on most hosts");
    return text_.empty() ? "" : "\n" + std::move(text_);
  }

 private:
  void add(Tone tone, const std::string& subject, const std::string& what, const std::string& hint) {
    text_ += toned(printable(fmt::format("{}: {}", subject, what)), tone, colour_) + "\n";
    if (!hint.empty()) text_ += printable(fmt::format("  hint: {}", as_typed(hint))) + "\n";
  }
  std::string when(Time time) const { return fmt::format("{}, {}", ago(time, now_), rfc3339(time)); }

  void on_error(const ProfileView& profile) {
    if (!profile.published || !profile.published->last_error) return;
    const LastError& error = *profile.published->last_error;
    add(profile.state == ProfileState::fresh ? Tone::attention : Tone::bad, profile.name,
        fmt::format("{} ({})", error.message, when(error.at)), hint_of(to_error(error)));
  }

  void on_login(const ProfileView& profile) {
    const auto end = profile.history.login_expires_at;
    if (!end || *end - now_ >= login_warning) return;
    const bool has_expired = *end <= now_;
    add(has_expired ? Tone::bad : Tone::attention, profile.name,
        has_expired ? fmt::format("the login itself expired at {}", rfc3339(*end))
                    : fmt::format("the login itself expires in {}, at {}", span(*end - now_), rfc3339(*end)),
        "log in again with the program that owns this login");
  }

  void on_container(const ProfileView& profile, const ContainerView& container) {
    const std::string who = fmt::format("container {}", container.id.substr(0, id_length));
    if (container.token != Holding::current && !container.reason.empty()) {
      const bool is_unknown = container.token == Holding::unknown;
      add(is_unknown ? Tone::attention : Tone::bad, profile.name,
          fmt::format("{}: {}", who, container.reason),
          container.hint.empty() && !is_unknown ? fmt::format("oci-oauth refresh {}", profile.name)
                                                : container.hint);
    }
    if (!container.shadowed_by.empty())
      add(Tone::attention, profile.name,
          fmt::format("{} has {} in its environment, which takes precedence over the token", who,
                      fmt::join(container.shadowed_by, ", ")),
          "recreate the container without it");
  }

  // Refreshers know of an unanswered refresh, and followers of their connection.
  void on_fleet() {
    for (const ProfileView& profile : overview_.profiles) {
      const auto& fleet = profile.history.fleet;
      if (fleet && !fleet->refreshing.empty())
        add(Tone::attention, profile.name,
            fmt::format("{} has begun a refresh whose outcome is unknown", fleet->refreshing),
            fmt::format("oci-oauth fleet status {}", profile.name));
    }
    const auto& follower = overview_.follower;
    if (!follower || follower->is_following()) return;
    add(Tone::attention, "fleet",
        fmt::format("this host does not follow the store ({}): {}", ago(follower->since, now_),
                    follower->why.empty() ? "oci-oauth-fleet is not running" : follower->why),
        "oci-oauth doctor");
  }

  void on_sink(const SinkState& sink) {
    if (!sink.failed_at) return;
    add(Tone::bad, fmt::format("{}: sink '{}'", sink.profile, sink.sink),
        fmt::format("{} ({} in a row, {})", sink.error, sink.failures, when(*sink.failed_at)),
        hint_of({ErrorKind::temporary, sink.error, sink.hint}));
  }

  const Overview& overview_;
  const Time now_;
  const Colour colour_;
  std::string text_;
};

// A time, or null.
std::string shown(const std::optional<Time>& time) {
  return time ? rfc3339(*time) : "";
}

// A record that has another description where it is kept.
template <class Record>
struct Shown {
  Shown(const Record& kept) : record(kept) {}

  const Record& record;
};

void describe(auto& each, const Shown<LastError>& error) {
  each("kind", error.record.kind, Presence::required);
  each("message", error.record.message, Presence::required);
  each("at", rfc3339(error.record.at), Presence::required);
}

void describe(auto& each, const Shown<FleetArrival>& fleet) {
  each("login", fleet.record.login, Presence::required);
  each("generation", fleet.record.generation, Presence::required);
  each("obtained_at", rfc3339(fleet.record.obtained_at), Presence::required);
  each("arrived_at", rfc3339(fleet.record.arrived_at), Presence::required);
  each("refreshing", fleet.record.refreshing, Presence::nullable);
}

void describe(auto& each, const Shown<SinkState>& sink) {
  each("profile", sink.record.profile, Presence::required);
  each("sink", sink.record.sink, Presence::required);
  each("delivered_at", shown(sink.record.delivered_at), Presence::nullable);
  each("failures", sink.record.failures, Presence::required);
  each("error", sink.record.error, Presence::nullable);
  each("failed_at", shown(sink.record.failed_at), Presence::nullable);
}

void describe(auto& each, const Shown<FollowerState>& follower) {
  each("is_connected", follower.record.is_following(), Presence::required);
  each("since", rfc3339(follower.record.since), Presence::required);
  each("why", follower.record.why, Presence::nullable);
  each("losses", follower.record.losses, Presence::required);
}

}  // namespace

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

void describe(auto& each, const ProfileView& profile) {
  const auto error = profile.published ? profile.published->last_error : std::nullopt;
  each("name", profile.name, Presence::required);
  each("provider", profile.provider, Presence::required);
  each("state", profile.state, Presence::required);
  each("expires_at", shown(profile.expires_at()), Presence::nullable);
  each("refreshed_at", shown(profile.history.refreshed_at), Presence::nullable);
  each("login_expires_at", shown(profile.history.login_expires_at), Presence::nullable);
  each("last_error", std::optional<Shown<LastError>>(error), Presence::nullable);
  each("containers", profile.containers, Presence::required);
  each("fleet", std::optional<Shown<FleetArrival>>(profile.history.fleet));
}

void describe(auto& each, const Overview& overview) {
  each("profiles", overview.profiles, Presence::required);
  each("sinks", std::vector<Shown<SinkState>>(overview.sinks.begin(), overview.sinks.end()),
       Presence::required);
  each("follower", std::optional<Shown<FollowerState>>(overview.follower));
}

std::string overview_json(const Overview& overview) {
  return std::string(write_record(overview, JsonStyle::indented).reveal());
}

std::string overview_text(const Overview& overview, Time now, const Display& display) {
  if (overview.profiles.empty()) return fmt::format("no profiles in {}\n", printable(overview.config));
  const auto heading = [](const char* text) { return Cell{text, Tone::heading}; };
  std::vector<Row> profiles = {{heading("PROFILE"), heading("STATE"), heading("EXPIRES IN"),
                                heading("REFRESHED"), heading("LOGIN EXPIRES")}};
  std::vector<Row> containers = {{heading("CONTAINER"), heading("PROFILE"), heading("DELIVERY"),
                                  heading("SINCE"), heading("TOKEN"), heading("PATH")}};
  for (const ProfileView& profile : overview.profiles) {
    profiles.push_back(profile_row(profile, now));
    for (const ContainerView& container : profile.containers) {
      containers.push_back(container_row(profile, container, now));
    }
  }
  std::string text = aligned(profiles, display) + Remarks(overview, now, display.colour).text();
  if (containers.size() > 1) text += "\n" + aligned(containers, display);
  return text;
}

}  // namespace oci_oauth
