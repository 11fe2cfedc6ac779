// SPDX-License-Identifier: Apache-2.0
// When a token is due, and when to look at it again. Pure: no clock is read.
#pragma once

#include <optional>

#include "base/time.h"
#include "token/published.h"

namespace oci_oauth {

enum class Freshness { fresh, due, expired };

// What oci-oauth-refresh.timer promises: two ticks are never further apart (its interval, its randomised
// delay and its accuracy), and a run that a tick starts is through after longest_run.
constexpr Milliseconds longest_tick = std::chrono::minutes(30 + 2 + 1);
constexpr Milliseconds longest_run = std::chrono::minutes(2);

// Clocks that differ by less agree.
constexpr Milliseconds tolerated_skew = std::chrono::minutes(1);

// The moment from which a token is to be refreshed: `refresh_before` ahead of its expiry, early enough that
// some tick of the timer falls between the two whenever the ticks are, but never before half of its life is
// over. A life that nobody knows, zero, is long.
Time due_at(Time expires_at, Milliseconds life, Milliseconds refresh_before);

// How long a token lives that expires then: as the last one that was granted, or longer. Zero: nobody knows.
Milliseconds life_of_token(const Published& known, Time expires_at, Time now);

// A token that was obtained in the future is due: the clock was set back since, and its expiry tells nothing.
Freshness freshness(Time now, Time obtained_at, Time due_at, Time expires_at);
inline Freshness freshness(const Published& token, Time now) {
  return freshness(now, token.obtained_at, token.due_at, token.expires_at);
}

// When a token that was granted for `life` expires, by a clock that may be wrong: where it is ahead of the
// server's it will be set back, and the token must not outlive its life then. Not before half of its life is
// over, by this clock.
Time granted_until(Time now, Milliseconds life, std::optional<Time> server_time);

// When to look at the token again: the moment it falls due, or the next try of a refresh that failed for the
// time being. nullopt: only a person can help, or nothing is known. A refresher stays awake for it where it
// comes before the timer's next tick (longest_tick), so that no life is too short.
std::optional<Time> next_look(const Published& token, Time now);

}  // namespace oci_oauth
