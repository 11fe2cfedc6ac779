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

// Tells whether the credential document is still the file that was read.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, mtime_ns = 0;

  static FileStamp of(const struct stat& status);
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

JsonValue stamp_value(JsonDocument& json, const FileStamp& stamp);
std::optional<FileStamp> read_stamp(const JsonValue& value);  // nullopt where it is none

struct LastError {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  Time at;
};

// Of a token that can be refreshed and whose expiry nobody knows: it counts as expired.
inline constexpr Time unknown_expiry = Time(Milliseconds(1));

struct Published {
  std::string provider;
  FileStamp login;  // of the document that `expires_at` was read from
  // Whether root's stat(2) of the document tells that it changed: false on NFS, on FUSE, and where root may
  // not look. Its owner saw it then, and only another refresh can tell.
  bool login_is_visible = true;
  Time obtained_at, due_at, expires_at;  // of the access token in share/; all zero: none was ever published
  std::optional<Time> refreshed_at;      // our own last refresh
  std::optional<Time> login_expires_at;
  Milliseconds token_life{0};     // of the last token that was granted to us; zero: none was
  std::string access_token_hash;  // SHA-256, hex: tells a new token from the old one
  // What a request is, as far as an answer to it belongs to it: refresh token, endpoint, client and scopes
  // (request_hash of the exchange). The one that the server refused for good, and the one of the last
  // failure, whose rest holds for no other; empty: none.
  std::string dead_request_hash, failed_request_hash;
  Time attempted_at;           // the end of the last attempt, whatever came of it
  Time not_before;             // the end of the rest after a failure
  std::uint64_t attempts = 0;  // how many refreshes have looked at the login so far, whatever came of them
  unsigned failures = 0;       // in a row
  std::optional<LastError> last_error;   // of the last attempt; empty after a success
  std::vector<std::string> shadowed_by;  // the provider's
  // How many attempts ended how, for metrics: "refreshed", or the word of a FailureKind.
  std::map<std::string, std::uint64_t, std::less<>> outcomes;

  bool has_token() const { return expires_at.time_since_epoch().count() != 0; }
  // nullopt: there is no token, or nobody knows when it expires, or it never does.
  std::optional<Time> known_expiry() const {
    return expires_at > unknown_expiry && expires_at < end_of_time ? std::optional(expires_at) : std::nullopt;
  }
  // The rest is on. One that ends later than any can is a clock's that was set back since.
  bool rests(Time now) const { return now < not_before && not_before - now <= longest_rest; }
  bool is_dead() const { return !dead_request_hash.empty(); }
  // Another attempt would be told what is known.
  bool is_futile(Time now) const { return is_dead() || rests(now); }
};

// What a look at the credential document at `path` tells; no look is taken where it is not visible, and it
// counts as unchanged. False where it cannot be seen although it is visible.
bool login_is_unchanged(const std::string& path, const Published& published);

// Failure: "SOURCE: reason" for a text that format_published() of this version did not write.
Result<Published> parse_published(std::string_view text, std::string_view source);
std::string format_published(const Published& published);

}  // namespace oci_oauth
