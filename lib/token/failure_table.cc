// SPDX-License-Identifier: Apache-2.0
#include "token/failure_table.h"

#include <algorithm>

namespace oci_oauth {

namespace {

using namespace std::chrono_literals;

constexpr unsigned most_doublings = 16;

// In the order of FailureKind. A silent network is tried again soon, because this bothers nobody. After a
// lost answer, each further attempt may revoke the login and its valid token (RFC 9700 section 4.14.2).
constexpr std::array<FailureRule, words_of(FailureKind{}).size()> table = {{
    // login_required
    {ErrorKind::action_required, Remedy::person, RefreshToken::unspent, 30s, 30s, 60min,
     "log in again with the program that owns this login"},
    // throttled
    {ErrorKind::temporary, Remedy::time, RefreshToken::unspent, 30s, 30s, 30min,
     "wait; if the endpoint keeps refusing, set another \"user_agent\" in the profile"},
    // server
    {ErrorKind::temporary, Remedy::time, RefreshToken::unspent, 30s, 30s, 30min, ""},
    // network
    {ErrorKind::temporary, Remedy::time, RefreshToken::unspent, 10s, 10s, 1min,
     "nothing was sent; the next run tries again"},
    // unknown
    {ErrorKind::temporary, Remedy::time, RefreshToken::maybe_spent, 30s, 5min, 30min,
     "the request was sent, but no answer arrived; a later run tries again"},
    // rejected
    {ErrorKind::failed, Remedy::person, RefreshToken::unspent, 30s, 30s, 60min,
     "compare \"token_url\" and \"client_id\" with the provider's documentation"},
    // busy
    {ErrorKind::temporary, Remedy::time, RefreshToken::unspent, 5s, 5s, 1min, ""},
    // login
    {ErrorKind::failed, Remedy::person, RefreshToken::unspent, 10s, 10s, 5min, ""},
    // configuration
    {ErrorKind::configuration, Remedy::person, RefreshToken::unspent, 10s, 10s, 5min, ""},
}};

}  // namespace

const FailureRule& rule_of(FailureKind kind) {
  return table[static_cast<size_t>(kind)];
}

Milliseconds rest_after(const FailedAttempt& attempt) {
  if (attempt.retry_after) return std::clamp<Milliseconds>(*attempt.retry_after, 1s, longest_rest);
  const FailureRule& rule = rule_of(attempt.kind);
  const bool has_token = attempt.token_left > 0ms;
  const Milliseconds first = has_token ? rule.rest_with_token : rule.rest;
  const unsigned doublings = std::min(std::max(attempt.failures, 1U) - 1, most_doublings);
  Milliseconds rest = std::min<Milliseconds>(first * (1U << doublings), rule.longest);
  if (has_token) rest = std::min(rest, std::max<Milliseconds>(attempt.token_left / 2, rule.rest));
  rest = std::chrono::duration_cast<Milliseconds>(rest * (0.75 + attempt.jitter / 2));
  return std::min(rest, longest_rest);
}

}  // namespace oci_oauth
