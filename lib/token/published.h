// SPDX-License-Identifier: Apache-2.0
// What the refresher tells the hook, and status, about a profile: runtime_dir/profiles/NAME.json. Never a
// token.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

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

// How the last attempt to refresh ended; the words are the "kind" of last_error in status --json.
enum class FailureKind {
  login_required,  // the server refused this refresh token for good: invalid_grant, RFC 6749 section 5.2
  throttled,       // 429, or 403 without an OAuth error
  server,          // 5xx or an answer that is none
  network,         // nothing was sent
  unknown,         // sent, and no answer arrived
  rejected,        // another OAuth error: the request or the client is wrong
  busy,            // another program holds the login's lock
  login,           // the credential document cannot be read, understood or replaced
};
inline constexpr std::array failure_kinds = {
    FailureKind::login_required, FailureKind::throttled, FailureKind::server, FailureKind::network,
    FailureKind::unknown,        FailureKind::rejected,  FailureKind::busy,   FailureKind::login};
std::string_view word(FailureKind kind);
ErrorKind error_kind(FailureKind kind);  // for a caller who wanted a valid token

struct LastError {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  Time at;
};

// The longest that a token endpoint is left in peace.
constexpr Milliseconds longest_rest = std::chrono::hours(1);

struct Published {
  std::string provider;
  FileStamp login;  // of the document that `expires_at` was read from
  // Whether root's stat(2) of the document tells that it changed: false on NFS, on FUSE, and where root may
  // not look. Its owner saw it then, and only another refresh can tell.
  bool login_is_visible = true;
  Time obtained_at, due_at, expires_at;  // of the access token in share/; all zero: none was ever published
  std::optional<Time> refreshed_at;      // our own last refresh
  std::optional<Time> login_expires_at;
  std::string access_token_hash;        // SHA-256, hex: tells a new token from the old one
  std::string dead_refresh_token_hash;  // the refresh token that the server refused for good; empty: none
  Time attempted_at;                    // the end of the last attempt, whatever came of it
  Time not_before;                      // the end of the cool-down
  std::uint64_t attempts = 0;  // how many refreshes have looked at the login so far, whatever came of them
  unsigned failures = 0;       // in a row
  std::optional<LastError> last_error;  // of the last attempt; empty after a success
  // How many attempts ended how, for metrics: "refreshed", or the word of a FailureKind.
  std::map<std::string, std::uint64_t, std::less<>> outcomes;

  bool has_token() const { return expires_at.time_since_epoch().count() != 0; }
  // The cool-down is on. One that ends later than any can is a clock's that was set back since.
  bool rests(Time now) const { return now < not_before && not_before - now <= longest_rest; }
};

// What a look at the credential document at `path` tells; no look is taken where it is not visible, and it
// counts as unchanged. False where it cannot be seen although it is visible.
bool login_is_unchanged(const std::string& path, const Published& published);

// Failure: "SOURCE: reason" for a text that format_published() of this version did not write.
Result<Published> parse_published(std::string_view text, std::string_view source);
std::string format_published(const Published& published);

}  // namespace oci_oauth
