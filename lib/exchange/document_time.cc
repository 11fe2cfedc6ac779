// SPDX-License-Identifier: Apache-2.0
#include "exchange/document_time.h"

#include <algorithm>
#include <charconv>
#include <cmath>

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

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

// RFC 3339 section 5.6, taken apart.
struct TimeText {
  Time time;
  char separator = 'T';
  size_t fraction = 0;            // digits
  std::optional<minutes> offset;  // nullopt: "Z"
};

class TextReader {
 public:
  explicit TextReader(std::string_view text) : left_(text) {}

  std::optional<TimeText> read() {
    TimeText text;
    const int y = digits(4);
    skip("-");
    const int mon = digits(2);
    skip("-");
    const int d = digits(2);
    text.separator = left_.empty() ? '\0' : left_.front();
    skip("Tt ");
    const int h = digits(2);
    skip(":");
    const int min = digits(2);
    skip(":");
    const int s = digits(2);
    const Milliseconds part = fraction(text.fraction);
    read_offset(text.offset);
    const year_month_day date{year(y), month(static_cast<unsigned>(mon)), day(static_cast<unsigned>(d))};
    if (!is_good_ || !left_.empty() || !date.ok() || h > 23 || min > 59 || s > 60) return std::nullopt;
    text.time =
        sys_days(date) + hours(h) + minutes(min) + seconds(s) + part - text.offset.value_or(minutes(0));
    return text;
  }

 private:
  int digits(size_t count) {
    int value = 0;
    is_good_ = is_good_ && left_.size() >= count;
    for (size_t i = 0; is_good_ && i < count; ++i) {
      is_good_ = left_[i] >= '0' && left_[i] <= '9';
      value = value * 10 + (left_[i] - '0');
    }
    if (is_good_) left_.remove_prefix(count);
    return value;
  }
  void skip(std::string_view any) {
    is_good_ = is_good_ && !left_.empty() && any.find(left_.front()) != any.npos;
    if (is_good_) left_.remove_prefix(1);
  }
  Milliseconds fraction(size_t& count) {
    if (!left_.starts_with('.')) return Milliseconds(0);
    left_.remove_prefix(1);
    Milliseconds::rep value = 0;
    for (; !left_.empty() && left_.front() >= '0' && left_.front() <= '9'; left_.remove_prefix(1), ++count) {
      if (count < 3) value = value * 10 + (left_.front() - '0');
    }
    is_good_ = is_good_ && count > 0;
    for (size_t i = count; i < 3; ++i) value *= 10;
    return Milliseconds(value);
  }
  void read_offset(std::optional<minutes>& offset) {
    if (left_ == "Z" || left_ == "z") {
      left_ = {};
      return;
    }
    const int sign = left_.starts_with('-') ? -1 : 1;
    skip("+-");
    const int h = digits(2);
    skip(":");
    const int min = digits(2);
    is_good_ = is_good_ && h < 24 && min < 60;
    offset = sign * (hours(h) + minutes(min));
  }

  std::string_view left_;
  bool is_good_ = true;
};

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

// RFC 4648 section 5, without padding. Empty: it is not that.
std::string base64url_decoded(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    const size_t value = alphabet.find(c);
    if (value == alphabet.npos) return "";
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

}  // namespace

std::optional<Time> read_document_time(const JsonValue* value, TimeUnit unit) {
  const double factor = unit == TimeUnit::seconds ? 1000 : 1;
  if (value == nullptr) return std::nullopt;
  if (value->IsNumber()) return time_of(value->GetDouble() * factor);
  if (!value->IsString()) return std::nullopt;
  if (const auto count = number(json_text(*value))) return time_of(*count * factor);
  const auto text = TextReader(json_text(*value)).read();
  return text && text->time >= earliest ? std::optional(text->time) : std::nullopt;
}

JsonValue document_time(Time time, const JsonValue* old, TimeUnit unit) {
  const bool was_text = old != nullptr && old->IsString();
  const bool was_number = old != nullptr && old->IsNumber();
  if (was_text && number(json_text(*old))) return to_json(fmt::format("{}", number_of(time, unit)));
  const auto text = was_text ? TextReader(json_text(*old)).read() : std::nullopt;
  if (text || (unit == TimeUnit::rfc3339 && !was_number))
    return to_json(written(time, text.value_or(TimeText())));
  return to_json(number_of(time, unit));
}

std::optional<Time> jwt_expiry(std::string_view token) {
  const size_t first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || last == first ||
      token.substr(first + 1, last - first - 1).find('.') != token.npos)
    return std::nullopt;
  const auto claims = parse_json(base64url_decoded(token.substr(first + 1, last - first - 1)), "");
  if (!claims || !claims->IsObject()) return std::nullopt;
  const JsonValue* exp = json_member(*claims, "exp");
  return exp != nullptr && exp->IsNumber() ? read_document_time(exp, TimeUnit::seconds) : std::nullopt;
}

}  // namespace oci_oauth
