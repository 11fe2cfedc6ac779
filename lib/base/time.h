// SPDX-License-Identifier: Apache-2.0
// Points in time and durations as this project reads and writes them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Stands for "never expires": the last day that RFC 3339 can write.
inline constexpr Time end_of_time = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

// The wall clock. Decisions take the time as an argument; only programs and interfaces call this.
Time now();

// "2026-11-24T06:30:00Z" (RFC 3339, UTC, whole seconds).
std::string rfc3339(Time time);

// "8s", "500ms", "60m", "2h", "1d": a whole number and its unit. Failure (configuration): names the text.
Result<Milliseconds> parse_duration(std::string_view text);

// "7 h 59 min", "3 min", "12 s": for people, rounded down to two units; "0 s" if negative.
std::string describe(Milliseconds duration);

}  // namespace oci_oauth
