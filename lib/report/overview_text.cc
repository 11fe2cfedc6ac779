// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include "base/fmt.h"
#include "base/printable.h"
#include "program/hint.h"

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

Cell holding_cell(Holding holding) {
  const bool is_bad = holding == Holding::outdated || holding == Holding::failed;
  const Tone tone = is_bad ? Tone::bad : holding == Holding::current ? Tone::good : Tone::attention;
  return {std::string(word(holding)), tone};
}

std::string delivery_of(const ContainerView& container) {
  const std::string kind(word(container.delivery));
  return container.asked ? fmt::format("{}, {} requests", kind, container.asked->requests) : kind;
}

Row container_row(const ProfileView& profile, const ContainerView& container, Time now) {
  return {{container.id.substr(0, id_length)},
          {profile.name},
          {delivery_of(container)},
          {ago(container.since, now)},
          holding_cell(container.token),
          {container.path}};
}

// What a person should know, and below it what to do.
class Remarks {
 public:
  explicit Remarks(Colour colour) : colour_(colour) {}

  void add(Tone tone, const std::string& subject, const std::string& what, const std::string& hint) {
    text_ += toned(printable(fmt::format("{}: {}", subject, what)), tone, colour_) + "\n";
    if (!hint.empty()) text_ += printable(fmt::format("  hint: {}", as_typed(hint))) + "\n";
  }
  std::string text() && { return text_.empty() ? "" : "\n" + std::move(text_); }

 private:
  Colour colour_;
  std::string text_;
};

void remark_on_error(Remarks& remarks, const ProfileView& profile, Time now) {
  if (!profile.published || !profile.published->last_error) return;
  const LastError& error = *profile.published->last_error;
  const Tone tone = profile.state == ProfileState::fresh ? Tone::attention : Tone::bad;
  remarks.add(tone, profile.name,
              fmt::format("{} ({}, {})", error.message, ago(error.at, now), rfc3339(error.at)),
              hint_of(to_error(error)));
}

void remark_on_login(Remarks& remarks, const ProfileView& profile, Time now) {
  const auto end = profile.history.login_expires_at;
  if (!end || *end - now >= login_warning) return;
  const std::string what =
      *end <= now ? fmt::format("the login itself expired at {}", rfc3339(*end))
                  : fmt::format("the login itself expires in {}, at {}", span(*end - now), rfc3339(*end));
  remarks.add(*end <= now ? Tone::bad : Tone::attention, profile.name, what,
              "log in again with the program that owns this login");
}

void remark_on_containers(Remarks& remarks, const ProfileView& profile) {
  for (const ContainerView& container : profile.containers) {
    const std::string who = fmt::format("container {}", container.id.substr(0, id_length));
    if (container.token != Holding::current && !container.reason.empty()) {
      const bool is_mended = container.hint.empty() && container.token != Holding::unknown;
      remarks.add(container.token == Holding::unknown ? Tone::attention : Tone::bad, profile.name,
                  fmt::format("{}: {}", who, container.reason),
                  is_mended ? fmt::format("oci-oauth refresh {}", profile.name) : container.hint);
    }
    if (!container.shadowed_by.empty()) {
      remarks.add(Tone::attention, profile.name,
                  fmt::format("{} has {} in its environment, which takes precedence over the token", who,
                              fmt::join(container.shadowed_by, ", ")),
                  "recreate the container without it");
    }
  }
}

void remark_on_sink(Remarks& remarks, const SinkState& sink, Time now) {
  if (!sink.failed_at) return;
  remarks.add(Tone::bad, fmt::format("{}: sink '{}'", sink.profile, sink.sink),
              fmt::format("{} ({} in a row, {}, {})", sink.error, sink.failures, ago(*sink.failed_at, now),
                          rfc3339(*sink.failed_at)),
              hint_of({ErrorKind::temporary, sink.error, sink.hint}));
}

// Refreshers know of an unanswered refresh, and followers of their connection.
void remark_on_fleet(Remarks& remarks, const Overview& overview, Time now) {
  for (const ProfileView& profile : overview.profiles) {
    const auto& fleet = profile.history.fleet;
    if (fleet && !fleet->refreshing.empty())
      remarks.add(Tone::attention, profile.name,
                  fmt::format("{} has begun a refresh whose outcome is unknown", fleet->refreshing),
                  fmt::format("oci-oauth fleet status {}", profile.name));
  }
  const auto& follower = overview.follower;
  if (!follower || follower->is_following()) return;
  const std::string why = follower->why.empty() ? "oci-oauth-fleet is not running" : follower->why;
  remarks.add(Tone::attention, "fleet",
              fmt::format("this host does not follow the store ({}): {}", ago(follower->since, now), why),
              "oci-oauth doctor");
}

std::string remarks_on(const Overview& overview, Time now, Colour colour) {
  Remarks remarks(colour);
  for (const ProfileView& profile : overview.profiles) {
    if (!profile.published && !profile.is_left_over) {
      remarks.add(Tone::attention, profile.name, "nothing has been published yet",
                  fmt::format("oci-oauth refresh {}", profile.name));
    }
    remark_on_error(remarks, profile, now);
    remark_on_login(remarks, profile, now);
    remark_on_containers(remarks, profile);
  }
  remark_on_fleet(remarks, overview, now);
  for (const SinkState& sink : overview.sinks) remark_on_sink(remarks, sink, now);
  for (const Error& error : overview.unreadable)
    remarks.add(Tone::attention, "container record", error.message, error.hint);
  if (overview.storage == ShareStorage::disk) {
    remarks.add(Tone::attention, overview.runtime_dir + "/share", "is on a disk, not in memory",
                "set \"runtime_dir\" to a directory on a tmpfs, as /run is on most hosts");
  }
  return std::move(remarks).text();
}

}  // namespace

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
  std::string text = aligned(profiles, display) + remarks_on(overview, now, display.colour);
  if (containers.size() > 1) text += "\n" + aligned(containers, display);
  return text;
}

}  // namespace oci_oauth
