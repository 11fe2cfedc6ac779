// SPDX-License-Identifier: Apache-2.0
// What the refresher tells the hook, and status, about a profile: runtime_dir/profiles/NAME.json. Never a
// token.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
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

JsonValue stamp_value(JsonDocument& json, const FileStamp& stamp);
std::optional<FileStamp> read_stamp(const JsonValue& value);  // nullopt if it is not one

struct LastError {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  Time at;
};

// The expiry of a token that can be refreshed but whose expiry is unknown: it counts as expired.
inline constexpr Time unknown_expiry = Time(Milliseconds(1));

struct Published {
  std::string provider;
  FileStamp login;  // of the document that `expires_at` was read from
  // Whether root's stat(2) of the document shows changes: false on NFS, on FUSE, and if root may not look.
  // Its owner saw it then, and only another refresh can tell.
  bool login_is_visible = true;
  Time obtained_at, due_at, expires_at;  // of the access token in share/; all zero: none was ever published
  std::optional<Time> refreshed_at;      // our own last refresh
  std::optional<Time> login_expires_at;
  Milliseconds token_life{0};     // of the last token that was granted; zero: none was
  std::string access_token_hash;  // SHA-256, hex: distinguishes a new token from the old one
  // The identity of a request as far as its answer depends on it: refresh token, endpoint, client and scopes
  // (request_hash of the exchange). The one that the server refused permanently, and the one of the last
  // failure, whose pause applies to no other; empty: none.
  std::string dead_request_hash, failed_request_hash;
  Time attempted_at;           // the end of the last attempt, whatever its outcome
  Time not_before;             // the end of the pause after a failure
  std::uint64_t attempts = 0;  // the number of refreshes that have read the login, whatever their outcome
  unsigned failures = 0;       // consecutive
  std::optional<LastError> last_error;   // of the last attempt; empty after a success
  std::vector<std::string> shadowed_by;  // the provider's
  // The number of attempts by outcome, for metrics: "refreshed", or the word of a FailureKind.
  std::map<std::string, std::uint64_t, std::less<>> outcomes;

  bool has_token() const { return expires_at.time_since_epoch().count() != 0; }
  // nullopt: there is no token, its expiry is unknown, or it never expires.
  std::optional<Time> known_expiry() const {
    return expires_at > unknown_expiry && expires_at < end_of_time ? std::optional(expires_at) : std::nullopt;
  }
  // The pause is in effect. One that ends later than the maximum comes from a clock that has been set back
  // since.
  bool rests(Time now) const { return now < not_before && not_before - now <= longest_rest; }
  bool is_dead() const { return !dead_request_hash.empty(); }
  // Another attempt would have the same result.
  bool is_futile(Time now) const { return is_dead() || rests(now); }
};

// Whether the credential document at `path` has changed. If it is not visible to root, it is not examined and
// counts as unchanged. False if it is visible but cannot be examined.
bool login_is_unchanged(const std::string& path, const Published& published);

// Failure: "SOURCE: reason" for a text that this version's format_published() did not write.
Result<Published> parse_published(std::string_view text, std::string_view source);
std::string format_published(const Published& published);

}  // namespace oci_oauth
