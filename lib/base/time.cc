// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <charconv>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

using namespace std::chrono;

struct Unit {
  std::string_view name;
  Milliseconds length;
};
constexpr Unit units[] = {
    {"ms", milliseconds(1)}, {"s", seconds(1)}, {"m", minutes(1)}, {"h", hours(1)}, {"d", hours(24)}};
constexpr Milliseconds longest = hours(24) * 366;

}  // namespace

Time now() {
  return time_point_cast<Milliseconds>(system_clock::now());
}

std::string rfc3339(Time time) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int{date.year()}, unsigned{date.month()},
                     unsigned{date.day()}, clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

Result<Milliseconds> parse_duration(std::string_view text) {
  Milliseconds::rep count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name(end, static_cast<size_t>(text.data() + text.size() - end));
  if (failure == std::errc() && count >= 0) {
    for (const Unit& unit : units) {
      if (name == unit.name && count <= longest / unit.length) return count * unit.length;
    }
  }
  return Error{
      ErrorKind::configuration,
      fmt::format("'{}' is not a duration: a whole number and ms, s, m, h or d, at most 366d", text)};
}

std::string describe(Milliseconds duration) {
  const auto total = std::max<long long>(0, floor<seconds>(duration).count());
  const auto d = total / 86400, h = total / 3600 % 24, m = total / 60 % 60, s = total % 60;
  if (d > 0) return fmt::format("{} d {} h", d, h);
  if (h > 0) return fmt::format("{} h {} min", h, m);
  if (m > 0) return fmt::format("{} min", m);
  return fmt::format("{} s", s);
}

}  // namespace oci_oauth
