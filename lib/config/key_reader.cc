// SPDX-License-Identifier: Apache-2.0
#include "config/key_reader.h"

#include <algorithm>

#include "base/fmt.h"

namespace oci_oauth {

Error configuration_error(std::string_view pointer, std::string_view reason) {
  return Error::configuration(fmt::format("{}: {}", pointer, reason));
}

Error profile_error(const Profile& profile, std::string_view key, std::string_view reason) {
  return configuration_error(fmt::format("/profiles/{}/{}", profile.name, key), reason);
}

Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source, JsonRules::comments);
  if (!json) json.error().kind = ErrorKind::configuration;
  return json;
}

std::optional<KeyReader::Value> KeyReader::take(Key key) {
  if (reading_.error) return std::nullopt;
  const bool has_more = found_ < object_.json.MemberCount();
  const JsonValue* json = has_more ? json_member(object_.json, key.name) : nullptr;
  if (json != nullptr) {
    ++found_;
    return Value{*json, below(key.name)};
  }
  if (key.is_required) reading_.refuse(below(key.name), "is missing");
  return std::nullopt;
}

void KeyReader::check(std::string& text, const RecordPlace& place, WhyNot why_not) {
  if (text.find('\0') != std::string::npos) return reading_.refuse(place, "contains a NUL character");
  if (const char* why = why_not(text)) reading_.refuse(place, fmt::format("'{}' {}", text, why));
}

void KeyReader::read_text(const Value& value, std::string& text, WhyNot why_not, bool may_be_empty) {
  if (!value.json.IsString() || (!may_be_empty && value.json.GetStringLength() == 0))
    return reading_.refuse(value.place, may_be_empty ? "is not a string" : "is not a non-empty string");
  text = json_text(value.json);
  check(text, value.place, why_not);
}

void KeyReader::read_texts(const Value& value, std::vector<std::string>& texts, WhyNot why_not) {
  if (!value.json.IsArray()) return reading_.refuse(value.place, "is not an array of strings");
  texts.clear();
  for (const JsonValue& element : value.json.GetArray()) {
    if (!element.IsString()) return reading_.refuse(value.place, "is not an array of strings");
    check(texts.emplace_back(json_text(element)), value.place, why_not);
  }
}

void KeyReader::read_one_or_more(const Value& value, std::vector<std::string>& texts, WhyNot why_not) {
  if (!value.json.IsArray()) return read_text(value, texts.emplace_back(), why_not, false);
  read_texts(value, texts, why_not);
  if (texts.empty()) reading_.refuse(value.place, "is an empty array");
}

void KeyReader::read_pairs(const Value& object, Pairs& pairs, WhyNot name, WhyNot text) {
  if (!object.json.IsObject()) return reading_.refuse(object.place, "is not an object");
  for (const auto& [left, right] : object.json.GetObject()) {
    const RecordPlace place = {&object.place, json_text(left)};
    if (!right.IsString()) return reading_.refuse(place, "is not a string");
    Pair& pair = pairs.emplace_back(Pair{std::string(json_text(left)), std::string(json_text(right))});
    check(pair.name, place, name);
    check(pair.value, place, text);
  }
}

void KeyReader::read(const Value& value, bool& flag) {
  if (!value.json.IsBool()) return reading_.refuse(value.place, "is neither true nor false");
  flag = value.json.GetBool();
}

void KeyReader::read(const Value& value, std::vector<std::string>& command, Command) {
  read_texts(value, command, AnyText::why_not);
  if (command.empty() || !command.front().starts_with('/'))
    reading_.refuse(value.place, "does not begin with an absolute path");
}

std::string KeyReader::read_token(const Value& value) {
  std::string text;
  read_text(value, text, AnyText::why_not, false);
  return text;
}

void KeyReader::read(const Value& value, Milliseconds& duration, Bounds bounds) {
  const std::string text = read_token(value);
  if (text.empty()) return;
  const auto parsed = parse_duration(text);
  if (!parsed) return reading_.refuse(value.place, parsed.error().message);
  duration = *parsed;
  if (duration >= bounds.least && duration <= bounds.most) return;
  reading_.refuse(value.place, fmt::format("'{}' is not between {} and {}", text, duration_text(bounds.least),
                                           duration_text(bounds.most)));
}

void KeyReader::read(const Value& value, mode_t& mode, Mode) {
  const std::string text = read_token(value);
  if (text.empty()) return;
  const auto parsed = Mode::read(text);
  if (!parsed) return reading_.refuse(value.place, parsed.error().message);
  mode = *parsed;
}

std::optional<size_t> KeyReader::read_word(const Value& value, std::span<const std::string_view> known) {
  const std::string word = read_token(value);
  const auto found = std::ranges::find(known, word);
  if (found != known.end()) return found - known.begin();
  if (!word.empty())
    reading_.refuse(value.place, fmt::format("'{}' is not one of: {}", word, fmt::join(known, ", ")));
  return std::nullopt;
}

void KeyReader::one_of(std::string_view a, std::string_view b, std::string_view neither) {
  if (has(a) != has(b)) return;
  const bool is_neither = !has(a) && !neither.empty() && has(neither);
  if (!is_neither) reading_.refuse(object_.place, fmt::format("needs either \"{}\" or \"{}\"", a, b));
}

void KeyReader::not_both(std::string_view a, std::string_view b) {
  if (has(a) && has(b)) reading_.refuse(below(b), fmt::format("cannot be combined with \"{}\"", a));
}

void KeyReader::needs(std::string_view key, std::initializer_list<std::string_view> others) {
  if (!has(key)) return;
  for (const std::string_view other : others) {
    if (!has(other)) return reading_.refuse(below(key), fmt::format("needs \"{}\"", other));
  }
}

void KeyReader::refuse_unknown(const std::vector<std::string_view>& known) {
  for (const auto& member : object_.json.GetObject()) {
    const std::string_view name = json_text(member.name);
    if (std::ranges::find(known, name) != known.end()) continue;
    reading_.refuse(below(name), "is not a known key");
    reading_.error->hint = fmt::format("known keys: {}", fmt::join(known, ", "));
    return;
  }
}

}  // namespace oci_oauth
