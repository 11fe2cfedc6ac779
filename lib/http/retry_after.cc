// SPDX-License-Identifier: Apache-2.0
#include "http/retry_after.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/text.h"

namespace oci_oauth {

namespace {

using namespace std::chrono;

constexpr Milliseconds longest = hours(24);

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
  if (!value.empty() && value.find_first_not_of("0123456789") == value.npos)
    return std::min<Milliseconds>(seconds(number_in<std::uint32_t>(value).value_or(UINT32_MAX)), longest);
  const auto date = parse_http_date(std::string(value));
  if (!date) return std::nullopt;
  return std::clamp(*date - now, Milliseconds(0), longest);
}

}  // namespace oci_oauth
