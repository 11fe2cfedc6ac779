// SPDX-License-Identifier: Apache-2.0
// Which refreshes a server starts without a request, when it checks again, and when it may exit. Pure: the
// time and the state of the profiles are arguments, so that tests need no clock that jumps and no real race.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "token/records.h"

namespace oci_oauth {

// One moment by both clocks: the wall clock may jump, as after a suspend.
struct Instant {
  Time wall;
  SteadyTime steady;
};

struct ProfileSight {
  std::string name;
  Published published;
  FileStamp login;  // the login's file as it is; zero: it cannot be seen
};

class RefreshSchedule {
 public:
  // Whatever started the server without a request has just begun a refresh: the first check comes later.
  explicit RefreshSchedule(SteadyTime now);

  // A client, or a publication: keeps running for a while; a publication is checked at once.
  void note_caller(SteadyTime now) { active_at_ = now; }
  void note_publication(SteadyTime now) { active_at_ = look_at_ = now; }

  // A refresh of the profile has begun, or ended; `attempts` as published at that moment.
  void begin(const std::string& profile, std::uint64_t attempts);
  void end(const std::string& profile, bool went_well, std::uint64_t attempts, SteadyTime now);

  SteadyTime look_at() const { return look_at_; }
  // Result: the profiles to refresh, because their token is due or their login has changed, except those
  // whose refresh is running or has just ended. A changed login is tried once: systemd.path(5) misses changes
  // while its service is running. Sets look_at().
  std::vector<std::string> look(const std::vector<ProfileSight>& profiles, Instant now);

  // No refresh is running, there have been no clients for a while, and no token needs a check before the
  // timer's next tick.
  bool is_idle(Instant now) const;

 private:
  struct Entry {
    bool is_running = false;
    SteadyTime pause_until;      // of refreshes without a request
    FileStamp tried;             // the changed login that the last of them was started for
    std::uint64_t attempts = 0;  // those that were published when the last refresh began
    bool is_barren = false;      // it ended without an attempt, and the next one would too
  };

  static std::optional<Time> wanted_at(const ProfileSight& profile, const Entry& entry, Instant now);

  std::map<std::string, Entry, std::less<>> entries_;
  SteadyTime active_at_, look_at_;
  std::optional<Time> next_wanted_;  // the earliest refresh that some token needs
};

}  // namespace oci_oauth
