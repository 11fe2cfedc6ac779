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

// The moment from which a token is to be refreshed: `refresh_before` ahead of its expiry, early enough that
// some tick of the timer falls between the two whenever the ticks are, but never before half of its life is
// over. `obtained_at` is when we first saw the token, the earliest start of its life that we know of.
Time due_at(Time obtained_at, Time expires_at, Milliseconds refresh_before);

Freshness freshness(Time now, Time due_at, Time expires_at);

// When to look at the token again: the moment it falls due, or the next try of a refresh that failed for the
// time being. nullopt: only a person can help, or nothing is known. A refresher stays awake for it where it
// comes before the timer's next tick (longest_tick), so that no life is too short.
std::optional<Time> next_look(const Published& token);

}  // namespace oci_oauth
