// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf", replacement = "\xef\xbf\xbd";
constexpr std::string_view not_an_object = "is not an object", not_an_array = "is not an array";
constexpr std::string_view too_deep = "nested deeper than 64 levels";
static_assert(json_max_depth == 64);
constexpr std::string_view endless_string = "a string has no end";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a byte outside of strings is to skip().
enum class Outside : char { invalid, passed, opens, closes, string };

constexpr auto outside = [] {
  std::array<Outside, 256> table = {};
  for (const char c : std::string_view(" \t\r\n,:+-.0123456789eEtrufalsn"))
    table[static_cast<unsigned char>(c)] = Outside::passed;
  table['['] = table['{'] = Outside::opens;
  table[']'] = table['}'] = Outside::closes;
  table['"'] = Outside::string;
  return table;
}();

// For eight bytes at once: the high bit of each byte that is below `limit`, and of some that are not ASCII.
// Exact up to the first.
constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
std::uint64_t below(std::uint64_t bytes, unsigned char limit) {
  return bytes - ones * limit;
}
std::uint64_t equal_to(std::uint64_t bytes, char wanted) {
  return below(bytes ^ (ones * static_cast<unsigned char>(wanted)), 1);
}
// Control characters and quotes: exclusive or with 2 moves the quote, and no other, to their end.
std::uint64_t control_or_quote(std::uint64_t bytes) {
  return below(bytes ^ (ones * 2), 0x21);
}
static_assert(('"' ^ 2) == 0x20 && (' ' ^ 2) == 0x22 && ('!' ^ 2) == 0x23);

// The first byte from `at` on that is a quote or a backslash, and with `plain` also a control character or
// not ASCII; the end of the text where there is none.
template <bool plain>
size_t find_special(std::string_view text, size_t at) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t bytes = 0;
      memcpy(&bytes, text.data() + at, 8);
      const std::uint64_t quote = plain ? control_or_quote(bytes) : equal_to(bytes, '"');
      const std::uint64_t marked = quote | equal_to(bytes, '\\');
      const std::uint64_t special = (plain ? marked | bytes : marked & ~bytes) & highs;
      if (special != 0) return at + static_cast<size_t>(std::countr_zero(special)) / 8;
    }
  }
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' || c == '\\' || (plain && static_cast<signed char>(c) < 0x20)) break;
  }
  return at;
}

// The end of the string whose inside is at `at`: after its quote; npos where it has none.
size_t string_end(std::string_view text, size_t at) {
  while ((at = find_special<false>(text, at)) < text.size()) {
    if (text[at] == '"') return at + 1;
    at += 2;
  }
  return std::string_view::npos;
}

}  // namespace

JsonReader::JsonReader(std::string_view text, JsonRules rules) : text_(text), rules_(rules) {
  if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
}

void JsonReader::fail(std::string_view reason) {
  if (!has_failed_) {
    has_failed_ = true;
    failed_at_ = at_;
    reason_ = reason;
  }
  at_ = text_.size();
}

void JsonReader::fail_syntax(std::string_view reason) {
  if (!has_failed_) fail(fmt::format("not JSON: {}", reason));
}

void JsonReader::fail_in(std::string_view key) {
  pointer_.insert(0, fmt::format("/{}", key));
}

Result<void> JsonReader::finish(std::string_view source) {
  past_blanks();
  if (at_ < text_.size()) fail_syntax("something follows the value");
  if (!has_failed_) return {};
  const std::string_view before = text_.substr(0, failed_at_);
  const auto line = 1 + std::ranges::count(before, '\n');
  const size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return Error{ErrorKind::failed, fmt::format("{}:{}:{}: {}{}{}", source, line, column, pointer_,
                                              pointer_.empty() ? "" : ": ", reason_)};
}

// Past "//" up to the line's end, or past "*/".
bool JsonReader::pass_comment() {
  const bool to_line_end = text_.substr(at_, 2) == "//";
  if (!to_line_end && text_.substr(at_, 2) != "/*") return false;
  const size_t end = to_line_end ? text_.find('\n', at_) : text_.find("*/", at_ + 2);
  if (end == std::string_view::npos && !to_line_end) return false;
  const size_t nul = text_.substr(0, end).find('\0', at_);
  at_ = std::min({nul, end, text_.size()});
  if (nul != std::string_view::npos) return false;
  if (!to_line_end) at_ += 2;
  return true;
}

char JsonReader::past_any_blanks() {
  while (true) {
    const char c = byte();
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c != '/' || rules_ != JsonRules::comments || !pass_comment()) {
      return c;
    }
  }
}

JsonKind JsonReader::next() {
  const char c = past_blanks();
  switch (c) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 'n':
      return JsonKind::null;
    case 't':
    case 'f':
      return JsonKind::boolean;
    default:
      return c == '-' || is_digit(c) ? JsonKind::number : JsonKind::invalid;
  }
}

// Whether a value of that kind begins at offset().
bool JsonReader::expect(JsonKind kind, std::string_view otherwise) {
  const JsonKind found = next();
  if (found == JsonKind::invalid) {
    fail_syntax("invalid value");
  } else if (found != kind) {
    fail(otherwise);
  }
  return !has_failed_;
}

bool JsonReader::enter(JsonKind kind) {
  if (!expect(kind, kind == JsonKind::object ? not_an_object : not_an_array)) return false;
  if (depth_ == json_max_depth) return fail(too_deep), false;
  ++at_;
  ++depth_;
  is_first_ = true;
  return true;
}

// Whether another member or element comes before `close`, which is passed.
bool JsonReader::another(char close) {
  const char c = past_blanks();
  const bool is_first = std::exchange(is_first_, false);
  if (c == ',' && !is_first) return ++at_, true;
  if (c == close) {
    ++at_;
    --depth_;
    return false;
  }
  if (is_first) return !has_failed_;
  fail_syntax(close == '}' ? "missing a comma or '}'" : "missing a comma or ']'");
  return false;
}

std::optional<std::string_view> JsonReader::next_key() {
  if (!another('}')) return std::nullopt;
  if (past_blanks() != '"') {
    fail_syntax("missing a key");
    return std::nullopt;
  }
  const std::string_view key = string_here();
  if (past_blanks() != ':') fail_syntax("missing a colon after a key");
  if (has_failed_) return std::nullopt;
  ++at_;
  return key;
}

bool JsonReader::next_element() {
  return another(']');
}

// Four hexadecimal digits at `at`; nullopt where they are not there.
std::optional<unsigned> JsonReader::hex4(size_t at) const {
  const std::string_view digits = text_.substr(std::min(at, text_.size()), 4);
  return digits.size() == 4 ? number_in<unsigned>(digits, 16) : std::nullopt;
}

// Passes the escape at offset() and appends what it spells.
bool JsonReader::read_escape() {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const char letter = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (const size_t i = letters.find(letter); i != std::string_view::npos) {
    append_secret(unescaped_, meanings.substr(i, 1));
    at_ += 2;
    return true;
  }
  const auto code = letter == 'u' ? hex4(at_ + 2) : std::nullopt;
  if (!code) return false;
  const auto is_high = [](unsigned half) { return half >= 0xd800 && half < 0xdc00; };
  const auto is_low = [](unsigned half) { return half >= 0xdc00 && half < 0xe000; };
  const auto second = is_high(*code) && text_.substr(at_ + 6, 2) == "\\u" ? hex4(at_ + 8) : std::nullopt;
  const bool is_pair = second && is_low(*second), is_half = !is_pair && (is_high(*code) || is_low(*code));
  if (is_half && is_high(*code) && rules_ != JsonRules::lenient) return false;
  const unsigned spelled = is_pair ? 0x10000 + ((*code - 0xd800) << 10 | (*second - 0xdc00)) : *code;
  const bool is_replaced = is_half && rules_ != JsonRules::lenient;
  append_secret(unescaped_, is_replaced ? std::string(replacement) : utf8(spelled));
  at_ += is_pair ? 12 : 6;
  return true;
}

// The end of the bytes from `at` on that mean themselves.
size_t JsonReader::plain_end(size_t at) const {
  while (true) {
    at = find_special<true>(text_, at);
    if (at == text_.size() || static_cast<unsigned char>(text_[at]) < 0x80) return at;
    const size_t length = rules_ == JsonRules::lenient ? 1 : utf8_character(text_.substr(at)).size;
    if (length == 0) return at;
    at += length;
  }
}

std::string_view JsonReader::string() {
  return past_blanks() == '"' || expect(JsonKind::string, "is not a string") ? string_here()
                                                                             : std::string_view();
}

// The string whose quote is at offset().
std::string_view JsonReader::string_here() {
  size_t begin = ++at_;
  at_ = plain_end(at_);
  if (byte() == '"') return {text_.data() + begin, at_++ - begin};
  wipe(unescaped_);
  while (true) {
    append_secret(unescaped_, text_.substr(begin, at_ - begin));
    if (byte() != '\\') break;
    if (!read_escape()) return fail_syntax("an invalid escape in a string"), std::string_view();
    begin = at_;
    at_ = plain_end(at_);
  }
  if (byte() == '"') return ++at_, std::string_view(unescaped_);
  fail_syntax(at_ == text_.size()                             ? endless_string
              : static_cast<unsigned char>(text_[at_]) < 0x80 ? "a control character in a string"
                                                              : "a string is not UTF-8");
  return {};
}

std::string_view JsonReader::number() {
  if (!expect(JsonKind::number, "is not a number")) return {};
  const size_t begin = at_;
  const auto pass = [&](std::string_view any) {
    const bool is_there = at_ < text_.size() && any.find(text_[at_]) != std::string_view::npos;
    if (is_there) ++at_;
    return is_there;
  };
  const auto pass_digits = [&] {
    const size_t from = at_;
    while (is_digit(byte())) ++at_;
    return at_ > from;
  };
  pass("-");
  bool is_valid = pass("0") || pass_digits();
  if (is_valid && pass(".")) is_valid = pass_digits();
  if (is_valid && pass("eE")) {
    pass("+-");
    is_valid = pass_digits();
  }
  if (!is_valid) fail_syntax("invalid value");
  return is_valid ? text_.substr(begin, at_ - begin) : std::string_view();
}

std::uint32_t JsonReader::uint32() {
  constexpr std::string_view otherwise = "is not a 32-bit number";
  if (!expect(JsonKind::number, otherwise)) return 0;
  const size_t begin = at_;
  const auto value = number_in<std::uint32_t>(number());
  if (!value && !has_failed_) {
    at_ = begin;
    fail(otherwise);
  }
  return value.value_or(0);
}

void JsonReader::literal() {
  next();
  for (const std::string_view word : {"null", "true", "false"}) {
    if (!text_.substr(at_).starts_with(word)) continue;
    at_ += word.size();
    return;
  }
  fail_syntax("invalid value");
}

void JsonReader::skip() {
  const JsonKind kind = next();
  if (kind == JsonKind::string) {
    const size_t end = string_end(text_, at_ + 1);
    if (end == std::string_view::npos) return fail_syntax(endless_string);
    at_ = end;
  } else if (kind == JsonKind::number) {
    number();
  } else if (kind == JsonKind::object || kind == JsonKind::array) {
    skip_brackets();
  } else {
    literal();
  }
}

void JsonReader::skip_brackets() {
  const std::string_view text = text_;
  size_t at = at_;
  unsigned depth = depth_;
  do {
    switch (at < text.size() ? outside[static_cast<unsigned char>(text[at])] : Outside::invalid) {
      case Outside::passed:
        ++at;
        break;
      case Outside::opens:
        ++at;
        ++depth;
        break;
      case Outside::closes:
        ++at;
        --depth;
        break;
      case Outside::string:
        at = string_end(text, at + 1);
        break;
      case Outside::invalid:
        at_ = std::min(at, text.size());
        if (rules_ != JsonRules::comments || !pass_comment()) return fail_syntax("invalid value");
        at = at_;
        break;
    }
    if (depth > json_max_depth && rules_ != JsonRules::lenient) {
      at_ = at;
      return fail(too_deep);
    }
  } while (depth > depth_);
  at_ = at;
}

}  // namespace oci_oauth
