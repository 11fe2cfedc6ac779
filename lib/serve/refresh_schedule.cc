// SPDX-License-Identifier: Apache-2.0
#include "serve/refresh_schedule.h"

#include <algorithm>

#include "token/policy.h"

namespace oci_oauth {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_before_leaving = 10s;
constexpr auto glance = 1s;          // between checks, until it is idle
constexpr auto longest_sleep = 30s;  // the wall clock may jump
constexpr auto shortest_sleep = 50ms;
constexpr auto pause_after_run = 1s;
constexpr auto pause_after_failure = 60s;

}  // namespace

RefreshSchedule::RefreshSchedule(SteadyTime now) : active_at_(now), look_at_(now + glance) {}

void RefreshSchedule::begin(const std::string& profile, std::uint64_t attempts) {
  Entry& entry = entries_[profile];
  entry.is_running = true;
  entry.is_barren = false;
  entry.attempts = attempts;
}

void RefreshSchedule::end(const std::string& profile, bool went_well, std::uint64_t attempts,
                          SteadyTime now) {
  Entry& entry = entries_[profile];
  entry.is_running = false;
  entry.is_barren = !went_well && attempts == entry.attempts;
  entry.pause_until = now + (went_well ? pause_after_run : pause_after_failure);
  note_publication(now);
}

std::optional<Time> RefreshSchedule::wanted_at(const ProfileSight& profile, const Entry& entry, Instant now) {
  const Published& known = profile.published;
  const bool has_changed = known.login_is_visible && profile.login != FileStamp{} &&
                           profile.login != known.login && profile.login != entry.tried;
  auto wanted = has_changed ? now.wall : entry.is_barren ? std::nullopt : next_look(known, now.wall);
  const auto pause = std::chrono::ceil<Milliseconds>(entry.pause_until - now.steady);
  if (wanted && pause > 0ms) wanted = std::max<Time>(*wanted, now.wall + pause);
  return wanted;
}

std::vector<std::string> RefreshSchedule::look(const std::vector<ProfileSight>& profiles, Instant now) {
  std::vector<std::string> due;
  next_wanted_.reset();
  for (const ProfileSight& profile : profiles) {
    Entry& entry = entries_[profile.name];
    const auto wanted = entry.is_running ? std::nullopt : wanted_at(profile, entry, now);
    if (wanted && *wanted <= now.wall) {
      if (profile.login != FileStamp{}) entry.tried = profile.login;
      due.push_back(profile.name);
    } else if (wanted) {
      next_wanted_ = std::min(next_wanted_.value_or(*wanted), *wanted);
    }
  }
  SteadyTime::duration pause = now.steady - active_at_ < idle_before_leaving ? glance : longest_sleep;
  if (next_wanted_) pause = std::clamp<SteadyTime::duration>(*next_wanted_ - now.wall, shortest_sleep, pause);
  look_at_ = now.steady + pause;
  return due;
}

bool RefreshSchedule::is_idle(Instant now) const {
  const bool is_needed = next_wanted_ && *next_wanted_ - now.wall < longest_tick;
  const bool is_running =
      std::ranges::any_of(entries_, [](const auto& entry) { return entry.second.is_running; });
  return !is_running && !is_needed && now.steady - active_at_ >= idle_before_leaving;
}

}  // namespace oci_oauth
