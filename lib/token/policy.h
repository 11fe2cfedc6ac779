// SPDX-License-Identifier: Apache-2.0
// When a token is due, and when to check it again. Pure: no clock is read.
#pragma once

#include <optional>

#include "base/time.h"
#include "token/records.h"

namespace oci_oauth {

enum class Freshness { fresh, due, expired };

// What oci-oauth-refresh.timer guarantees: the longest time between two ticks (its interval, its randomised
// delay and its accuracy), and the longest run that a tick starts.
constexpr Milliseconds longest_tick = std::chrono::minutes(30 + 2 + 1);
constexpr Milliseconds longest_run = std::chrono::minutes(2);

// Clocks that differ by less count as equal.
constexpr Milliseconds tolerated_skew = std::chrono::minutes(1);

// When a token becomes due: `refresh_before` ahead of its expiry, early enough that a tick of the timer
// always falls between the two, but never in the first half of its lifetime. An unknown lifetime, zero,
// counts as long.
Time due_at(Time expires_at, Milliseconds life, Milliseconds refresh_before);

// The lifetime of a token that expires then: that of the last one that was granted, or longer. Zero: unknown.
Milliseconds life_of_token(Milliseconds last_granted, Time expires_at, Time now);

// A token that was obtained in the future is due: the clock has been set back since, so its expiry is
// unreliable.
Freshness freshness(Time now, Time obtained_at, Time due_at, Time expires_at);
inline Freshness freshness(const Published& token, Time now) {
  return freshness(now, token.obtained_at, token.due_at, token.expires_at);
}

// When a token that was granted for `life` expires, by a clock that may be wrong: a clock that is ahead of
// the server's will be set back, and the token must not outlive its lifetime then. Not in the first half of
// its lifetime, by this clock.
Time granted_until(Time now, Milliseconds life, std::optional<Time> server_time);

// When to check the token again: when it becomes due, or at the next attempt after a temporary failure.
// nullopt: only a person can help, or nothing is known. A refresher keeps running for this if it is before
// the timer's next tick (longest_tick), so that no lifetime is too short.
std::optional<Time> next_look(const Published& token, Time now);

}  // namespace oci_oauth
