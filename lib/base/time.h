// SPDX-License-Identifier: Apache-2.0
// Points in time and durations as this project writes and reads them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// What expires then, or later, never does: the last day that RFC 3339 can write.
inline constexpr Time end_of_time = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

// The wall clock. Decisions take the time as an argument; only mains and edges call this.
Time now();

// "2026-11-24T06:30:00Z" (RFC 3339, UTC, whole seconds).
std::string rfc3339(Time time);

// "8s", "500ms", "60m", "2h", "1d": a whole number and its unit. Failure: usage-like error naming the text.
Result<Milliseconds> parse_duration(std::string_view text);

// "7 h 59 min", "3 min", "12 s": for people, rounded down to two units; negative is "0 s".
std::string describe(Milliseconds duration);

}  // namespace oci_oauth
