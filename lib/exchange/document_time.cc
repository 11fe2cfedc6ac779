// SPDX-License-Identifier: Apache-2.0
#include "exchange/document_time.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/base64.h"
#include "base/fmt.h"

namespace oci_oauth {

namespace {

using namespace std::chrono;

constexpr Time earliest = sys_days(year(2001) / 1 / 1);

std::optional<Time> time_of(double milliseconds) {
  if (!(milliseconds >= static_cast<double>(earliest.time_since_epoch().count()))) return std::nullopt;
  const auto last = static_cast<double>(end_of_time.time_since_epoch().count());
  return Time(Milliseconds(static_cast<Milliseconds::rep>(std::min(milliseconds, last))));
}

// RFC 3339 section 5.6, taken apart.
struct TimeText {
  Time time;
  char separator = 'T';
  size_t fraction = 0;            // digits
  std::optional<minutes> offset;  // nullopt: "Z"
};

// The first `size` bytes of `text` by a format of strptime(3), which takes fewer digits as well; `text` keeps
// the rest.
bool read_fields(std::string_view& text, size_t size, const char* format, tm& fields) {
  const std::string part(text.substr(0, size));
  const char* end = ::strptime(part.c_str(), format, &fields);
  const bool is_whole = part.size() == size && end == part.c_str() + size && part.find(' ') == part.npos;
  if (is_whole) text.remove_prefix(size);
  return is_whole;
}

std::optional<TimeText> read_text(std::string_view text) {
  TimeText result;
  tm fields = {};
  if (!read_fields(text, 10, "%Y-%m-%d", fields) || text.empty()) return std::nullopt;
  result.separator = text.front();
  text.remove_prefix(1);
  const bool is_separated = std::string_view("Tt ").find(result.separator) != std::string_view::npos;
  if (!is_separated || !read_fields(text, 8, "%H:%M:%S", fields)) return std::nullopt;
  Milliseconds part(0), unit = seconds(1);
  if (text.starts_with('.')) {
    const size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    result.fraction = end - 1;
    if (result.fraction == 0) return std::nullopt;
    for (const char digit : text.substr(1, result.fraction)) part += (digit - '0') * (unit /= 10);
    text.remove_prefix(end);
  }
  if (text != "Z" && text != "z") {
    if (!read_fields(text, 6, "%z", fields) || !text.empty()) return std::nullopt;
    result.offset = duration_cast<minutes>(seconds(fields.tm_gmtoff));
  }
  const year_month_day date{year(fields.tm_year + 1900), month(static_cast<unsigned>(fields.tm_mon + 1)),
                            day(static_cast<unsigned>(fields.tm_mday))};
  if (!date.ok()) return std::nullopt;
  result.time = sys_days(date) + hours(fields.tm_hour) + minutes(fields.tm_min) + seconds(fields.tm_sec) +
                part - result.offset.value_or(minutes(0));
  return result;
}

std::string written(Time time, const TimeText& as) {
  const Time local = time + as.offset.value_or(minutes(0));
  std::string text = rfc3339(floor<seconds>(local));
  text.pop_back();
  text[10] = as.separator;
  if (as.fraction > 0) {
    std::string part = fmt::format("{:03}", (local - floor<seconds>(local)).count());
    part.resize(as.fraction, '0');
    text += "." + part;
  }
  if (!as.offset) return text + "Z";
  const minutes offset = abs(*as.offset);
  return text + fmt::format("{}{:02}:{:02}", as.offset->count() < 0 ? '-' : '+', offset.count() / 60,
                            offset.count() % 60);
}

std::int64_t number_of(Time time, TimeUnit unit) {
  const std::int64_t count = time.time_since_epoch().count();
  return unit == TimeUnit::seconds ? count / 1000 : count;
}

}  // namespace

std::optional<double> json_number(const JsonValue* value) {
  if (value != nullptr && value->IsNumber()) return value->GetDouble();
  if (value == nullptr || !value->IsString()) return std::nullopt;
  const std::string_view text = json_text(*value);
  const char* const end = text.data() + text.size();
  double number = 0;
  const auto read = std::from_chars(text.data(), end, number);
  const bool is_one = read.ec == std::errc() && read.ptr == end && std::isfinite(number);
  return is_one ? std::optional(number) : std::nullopt;
}

std::optional<Time> read_document_time(const JsonValue* value, TimeUnit unit) {
  if (const auto count = json_number(value)) return time_of(*count * (unit == TimeUnit::seconds ? 1000 : 1));
  if (value == nullptr || !value->IsString()) return std::nullopt;
  const auto text = read_text(json_text(*value));
  return text && text->time >= earliest ? std::optional(text->time) : std::nullopt;
}

JsonValue document_time(Time time, const JsonValue* old, TimeUnit unit) {
  const bool was_text = old != nullptr && old->IsString();
  const bool was_number = old != nullptr && old->IsNumber();
  if (was_text && json_number(old)) return to_json(fmt::format("{}", number_of(time, unit)));
  const auto text = was_text ? read_text(json_text(*old)) : std::nullopt;
  if (text || (unit == TimeUnit::rfc3339 && !was_number))
    return to_json(written(time, text.value_or(TimeText())));
  return to_json(number_of(time, unit));
}

std::optional<Time> jwt_expiry(std::string_view token) {
  const size_t first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || last == first ||
      token.substr(first + 1, last - first - 1).find('.') != token.npos)
    return std::nullopt;
  const auto claims = parse_json(from_base64url(token.substr(first + 1, last - first - 1)).value_or(""), "");
  const JsonValue* const exp = claims ? json_member(*claims, "exp") : nullptr;
  return exp != nullptr && exp->IsNumber() ? read_document_time(exp, TimeUnit::seconds) : std::nullopt;
}

}  // namespace oci_oauth
