// SPDX-License-Identifier: Apache-2.0
#include "token/policy.h"

#include <algorithm>

namespace oci_oauth {

namespace {

using std::chrono::seconds;

constexpr Milliseconds timer_margin = longest_tick + longest_run;

// Several tries fit between the moment a token is due and its expiry; one that expired long ago is in no
// hurry.
Milliseconds pause_between_tries(const Published& token) {
  const Milliseconds window = token.expires_at - token.due_at;
  const Milliseconds longest = seconds(60);
  return window > Milliseconds(0) ? std::clamp<Milliseconds>(window / 8, seconds(1), longest) : longest;
}

}  // namespace

Time due_at(Time obtained_at, Time expires_at, Milliseconds refresh_before) {
  const Milliseconds life = std::max(expires_at - obtained_at, Milliseconds(0));
  return expires_at - std::min(std::max(refresh_before, timer_margin), life / 2);
}

Freshness freshness(Time now, Time due_at, Time expires_at) {
  if (now >= expires_at) return Freshness::expired;
  return now >= due_at ? Freshness::due : Freshness::fresh;
}

std::optional<Time> next_look(const Published& token) {
  const auto& error = token.last_error;
  if (error && error_kind(error->kind) != ErrorKind::temporary) return std::nullopt;
  if (!error && !token.has_token()) return std::nullopt;
  return std::max({token.due_at, token.not_before, token.attempted_at + pause_between_tries(token)});
}

}  // namespace oci_oauth
