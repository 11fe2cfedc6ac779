// SPDX-License-Identifier: Apache-2.0
// The records of the runtime directory (runtime_dir.h). None contains a token.
#pragma once

#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/time.h"
#include "token/failure_table.h"

namespace oci_oauth {

// Identifies the version of the credential document that was read.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, mtime_ns = 0;

  static FileStamp of(const struct stat& status);
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

void describe(auto& each, RecordOf<FileStamp> auto& stamp) {
  each("device", stamp.device, Presence::required);
  each("inode", stamp.inode, Presence::required);
  each("size", stamp.size, Presence::required);
  each("mtime_ns", stamp.mtime_ns, Presence::required);
}

struct LastError {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  Time at;
};

void describe(auto& each, RecordOf<LastError> auto& error) {
  each("kind", error.kind, Presence::required);
  each("message", error.message);
  each("hint", error.hint);
  each("at", error.at);
}

// The expiry of a token that can be refreshed but whose expiry is unknown: it counts as expired.
inline constexpr Time unknown_expiry = Time(Milliseconds(1));

// What the refresher tells the hook, and status, about a profile: runtime_dir/profiles/NAME.json. Small,
// because each start of a container reads it.
struct Published {
  static constexpr int version = 2;

  FileStamp login;  // of the document that `expires_at` was read from
  // Whether root's stat(2) of the document shows changes: false on NFS, on FUSE, and if root may not look.
  // Its owner saw it then, and only another refresh can tell.
  bool login_is_visible = true;
  Time obtained_at, due_at, expires_at;  // of the access token in share/; all zero: none was ever published
  std::string access_token_hash;         // SHA-256, hex: distinguishes a new token from the old one
  bool is_dead = false;                  // the server refused the login permanently (RefreshHistory)
  Time not_before;                       // the end of the pause after a failure
  Time attempted_at;                     // the end of the last attempt, whatever its outcome
  std::uint64_t attempts = 0;            // the number of refreshes that have read the login
  std::optional<LastError> last_error;   // of the last attempt; empty after a success
  std::vector<std::string> shadowed_by;  // the provider's

  bool has_token() const { return expires_at.time_since_epoch().count() != 0; }
  // nullopt: there is no token, its expiry is unknown, or it never expires.
  std::optional<Time> known_expiry() const {
    return expires_at > unknown_expiry && expires_at < end_of_time ? std::optional(expires_at) : std::nullopt;
  }
  // The pause is in effect. One that ends later than the maximum comes from a clock that has been set back
  // since.
  bool rests(Time now) const { return now < not_before && not_before - now <= longest_rest; }
  // Another attempt would have the same result.
  bool is_futile(Time now) const { return is_dead || rests(now); }
};

void describe(auto& each, RecordOf<Published> auto& published) {
  each("login", published.login, Presence::required);
  each("login_is_visible", published.login_is_visible, Presence::required);
  each("obtained_at", published.obtained_at);
  each("due_at", published.due_at);
  each("expires_at", published.expires_at);
  each("access_token_hash", published.access_token_hash);
  each("is_dead", published.is_dead);
  each("not_before", published.not_before);
  each("attempted_at", published.attempted_at);
  each("attempts", published.attempts);
  each("last_error", published.last_error);
  each("shadowed_by", published.shadowed_by);
}

// Whether the credential document at `path` has changed. If it is not visible to root, it is not examined and
// counts as unchanged. False if it is visible but cannot be examined.
bool login_is_unchanged(const std::string& path, const Published& published);

// The newest record of a fleet's login that this host has seen.
struct FleetArrival {
  std::uint64_t login = 0, generation = 0;
  Time obtained_at = {}, arrived_at = {};  // the latter by this host's clock
  std::string refreshing = {};             // the host that has begun a refresh, if a refresher saw one
  bool is_refresher = false;               // only those can see it

  bool is_same(const FleetArrival& other) const {
    return login == other.login && generation == other.generation;
  }
};

void describe(auto& each, RecordOf<FleetArrival> auto& arrival) {
  each("login", arrival.login, Presence::required);
  each("generation", arrival.generation, Presence::required);
  each("obtained_at", arrival.obtained_at, Presence::required);
  each("arrived_at", arrival.arrived_at, Presence::required);
  each("refreshing", arrival.refreshing);
  each("is_refresher", arrival.is_refresher);
}

// What refreshes of a profile remember for the next one, and for status and metrics:
// runtime_dir/refreshes/NAME.json. No hook reads it.
struct RefreshHistory {
  static constexpr int version = 1;

  Milliseconds token_life{0};        // of the last token that was granted; zero: none was
  std::optional<Time> refreshed_at;  // our own last refresh
  std::optional<Time> login_expires_at;
  unsigned failures = 0;  // consecutive
  // The identity of a request as far as its answer depends on it: refresh token, endpoint, client and scopes
  // (request_hash of the exchange). The one that the server refused permanently, and the one of the last
  // failure, whose pause applies to no other; empty: none.
  std::string dead_request_hash, failed_request_hash;
  // The number of attempts by outcome, for metrics: "refreshed", or the word of a FailureKind.
  std::map<std::string, std::uint64_t, std::less<>> outcomes;
  std::optional<FleetArrival> fleet = {};
};

void describe(auto& each, RecordOf<RefreshHistory> auto& history) {
  each("token_life_ms", history.token_life);
  each("refreshed_at", history.refreshed_at);
  each("login_expires_at", history.login_expires_at);
  each("failures", history.failures);
  each("dead_request_hash", history.dead_request_hash);
  each("failed_request_hash", history.failed_request_hash);
  each("outcomes", history.outcomes);
  each("fleet", history.fleet);
}

// What is known of a profile before and after a refresh.
struct ProfileRecords {
  Published published;
  RefreshHistory history;
};

struct RefusedRecords {
  std::uint64_t older = 0;    // than what this host has, or of another login
  std::uint64_t invalid = 0;  // forged, damaged, or sealed with an unknown key
};

void describe(auto& each, RecordOf<RefusedRecords> auto& refused) {
  each("older", refused.older);
  each("invalid", refused.invalid);
}

// What the program that follows a fleet's store tells status and metrics: runtime_dir/follower.json.
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
