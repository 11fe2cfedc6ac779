// SPDX-License-Identifier: Apache-2.0
// What the refresher tells the hook, and status, about a profile: runtime_dir/profiles/NAME.json. Never a
// token.
#pragma once

#include <sys/stat.h>

#include <cstdint>
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

// Small: each start of a container reads it. What only refreshes need is in RefreshHistory.
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

}  // namespace oci_oauth
