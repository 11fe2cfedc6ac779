// SPDX-License-Identifier: Apache-2.0
#include "http/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"

namespace oci_oauth {

namespace {

using namespace std::chrono;

constexpr Milliseconds longest = hours(24);

std::optional<Milliseconds> parse_seconds(std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || !digits) return std::nullopt;
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  // An overflow still means a number, and a large one.
  if (parsed.ec != std::errc() || count > duration_cast<seconds>(longest).count()) return longest;
  return seconds(count);
}

}  // namespace

std::optional<Time> parse_http_date(const std::string& text) {
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    tm date = {};
    const char* end = ::strptime(text.c_str(), format, &date);
    if (end == nullptr || *end != '\0') continue;
    const year_month_day day{year(date.tm_year + 1900), month(static_cast<unsigned>(date.tm_mon + 1)),
                             std::chrono::day(static_cast<unsigned>(date.tm_mday))};
    if (!day.ok()) return std::nullopt;
    return sys_days(day) + hours(date.tm_hour) + minutes(date.tm_min) + seconds(date.tm_sec);
  }
  return std::nullopt;
}

std::optional<Milliseconds> parse_retry_after(std::string_view value, Time now) {
  value = trimmed(value, " \t");
  if (const auto delay = parse_seconds(value)) return delay;
  const auto date = parse_http_date(std::string(value));
  if (!date) return std::nullopt;
  return std::clamp(*date - now, Milliseconds(0), longest);
}

}  // namespace oci_oauth
