// SPDX-License-Identifier: Apache-2.0
// What follows from a failed refresh, in one table: how long to pause, whether waiting helps, whether the
// refresh token may be spent, the exit code, and the hint. Pure: no clock is read.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"

namespace oci_oauth {

// How the last attempt to refresh ended; the words are the "kind" of last_error in status --json.
enum class FailureKind {
  login_required,  // the server refused this refresh token permanently: invalid_grant, RFC 6749 section 5.2
  throttled,       // 429, or 403 without an OAuth error
  server,          // 5xx, or a redirect
  network,         // nothing was sent
  unknown,         // sent, but no readable answer arrived
  rejected,        // another OAuth error: the request or the client is wrong
  busy,            // another program holds the login's lock
  login,           // the credential document cannot be read, parsed or replaced
  configuration,   // the provider cannot be read; no refresh was attempted
};
constexpr std::array<std::string_view, 9> words_of(FailureKind) {
  return {"login_required", "throttled", "server", "network",      "unknown",
          "rejected",       "busy",      "login",  "configuration"};
}

enum class Remedy { time, person };                // whether a later try may succeed by itself
enum class RefreshToken { unspent, maybe_spent };  // maybe: the fence stays, and the next run reports it

struct FailureRule {
  ErrorKind error;  // for a caller that wanted a valid token
  Remedy remedy;
  RefreshToken refresh_token;
  // The first pause in a series of failures, without and with a valid published token; each further one is
  // twice as long.
  Milliseconds rest, rest_with_token, longest;
  std::string_view hint;
};

const FailureRule& rule_of(FailureKind kind);

// What a failure, whichever record it is in, means to a caller that wanted a valid token.
Error to_error(const auto& failure) {
  return {rule_of(failure.kind).error, failure.message, failure.hint};
}

// The longest pause between requests to a token endpoint.
constexpr Milliseconds longest_rest = std::chrono::hours(1);

struct FailedAttempt {
  FailureKind kind = FailureKind::server;
  unsigned failures = 1;                         // consecutive, including this one
  std::optional<Milliseconds> retry_after = {};  // the server's request (RFC 9110 section 10.2.3)
  Milliseconds token_left{0};                    // of the published token's lifetime; none: zero or less
  double jitter = 0.5;                           // in [0, 1)
};

// How long all processes leave the endpoint alone. The server's request counts, between a second and
// longest_rest. Otherwise the pause grows with each failure, varies by a quarter, and ends before a valid
// token expires.
Milliseconds rest_after(const FailedAttempt& attempt);

}  // namespace oci_oauth
