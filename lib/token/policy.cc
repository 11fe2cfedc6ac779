// SPDX-License-Identifier: Apache-2.0
#include "token/policy.h"

#include <algorithm>

namespace oci_oauth {

namespace {

using std::chrono::seconds;

constexpr Milliseconds timer_margin = longest_tick + longest_run;

// Several attempts fit between the time a token becomes due and its expiry; one that expired long ago is not
// urgent.
Milliseconds pause_between_tries(const Published& token) {
  const Milliseconds window = token.expires_at - token.due_at;
  const Milliseconds longest = seconds(60);
  return window > Milliseconds(0) ? std::clamp<Milliseconds>(window / 8, seconds(1), longest) : longest;
}

bool is_ahead(Time time, Time now) {
  return time - now > tolerated_skew;
}

}  // namespace

Time due_at(Time expires_at, Milliseconds life, Milliseconds refresh_before) {
  const Milliseconds margin = std::max(refresh_before, timer_margin);
  return expires_at - (life > Milliseconds(0) ? std::min(margin, life / 2) : margin);
}

Milliseconds life_of_token(Milliseconds last_granted, Time expires_at, Time now) {
  if (last_granted <= Milliseconds(0)) return Milliseconds(0);
  return std::max<Milliseconds>(last_granted, expires_at - now);
}

Freshness freshness(Time now, Time obtained_at, Time due_at, Time expires_at) {
  if (now >= expires_at) return Freshness::expired;
  return now >= due_at || is_ahead(obtained_at, now) ? Freshness::due : Freshness::fresh;
}

Time granted_until(Time now, Milliseconds life, std::optional<Time> server_time) {
  if (!server_time || !is_ahead(now, *server_time)) return now + life;
  return std::max(*server_time + life, now + life / 2);
}

std::optional<Time> next_look(const Published& token, Time now) {
  const auto& error = token.last_error;
  if (error && rule_of(error->kind).remedy == Remedy::person) return std::nullopt;
  if (!error && !token.has_token()) return std::nullopt;
  const bool set_back = is_ahead(token.obtained_at, now);
  const Time wanted = set_back ? now : token.due_at;
  const Time rested = token.rests(now) ? token.not_before : now;
  const Time tried = is_ahead(token.attempted_at, now) ? now : token.attempted_at;
  return std::max({wanted, std::min(rested, token.not_before), tried + pause_between_tries(token)});
}

}  // namespace oci_oauth
