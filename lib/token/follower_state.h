// SPDX-License-Identifier: Apache-2.0
// What the program that follows a fleet's store tells status and metrics: runtime_dir/follower.json. Never a
// token.
#pragma once

#include <signal.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>

#include "base/record.h"
#include "base/time.h"

namespace oci_oauth {

struct RefusedRecords {
  std::uint64_t older = 0;    // than what this host has, or of another login
  std::uint64_t invalid = 0;  // forged, damaged, or sealed with an unknown key
};

void describe(auto& each, RecordOf<RefusedRecords> auto& refused) {
  each("older", refused.older);
  each("invalid", refused.invalid);
}

struct FollowerState {
  static constexpr int version = 1;

  pid_t process = 0;
  bool is_connected = false;
  Time since = {};           // when that began
  std::string why = {};      // it is not connected
  std::uint64_t losses = 0;  // of the connection, since the process started
  std::map<std::string, RefusedRecords, std::less<>> refused = {};  // by profile

  // Whether the process is still there, and connected.
  bool is_following() const { return is_connected && (::kill(process, 0) == 0 || errno == EPERM); }
};

void describe(auto& each, RecordOf<FollowerState> auto& state) {
  each("process", state.process, Presence::required);
  each("is_connected", state.is_connected, Presence::required);
  each("since", state.since, Presence::required);
  each("why", state.why);
  each("losses", state.losses);
  each("refused", state.refused);
}

}  // namespace oci_oauth
