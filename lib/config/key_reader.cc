// SPDX-License-Identifier: Apache-2.0
#include "config/key_reader.h"

#include <algorithm>

#include "base/fmt.h"

namespace oci_oauth {

Error configuration_error(std::string_view pointer, std::string_view reason) {
  return Error::configuration(fmt::format("{}: {}", pointer, reason));
}

Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source, JsonRules::comments);
  if (!json) json.error().kind = ErrorKind::configuration;
  return json;
}

const JsonValue* KeyReader::take(Key key) {
  if (is_listing_) listed_.push_back(key.name);
  if (is_listing_ || reading_.error) return nullptr;
  const bool has_more = found_ < object_.MemberCount();
  const JsonValue* value = has_more ? json_member(object_, key.name) : nullptr;
  if (value != nullptr) ++found_;
  if (value == nullptr && key.is_required) fail(key.name, "is missing");
  return value;
}

void KeyReader::check(std::string& text, const RecordPlace& place, WhyNot why_not) {
  if (text.find('\0') != std::string::npos) return reading_.refuse(place, "contains a NUL character");
  if (const char* why = why_not(text)) reading_.refuse(place, fmt::format("'{}' {}", text, why));
}

void KeyReader::read_text(Key key, std::string& member, WhyNot why_not, bool may_be_empty) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsString() || (!may_be_empty && value->GetStringLength() == 0))
    return fail(key.name, may_be_empty ? "is not a string" : "is not a non-empty string");
  member = json_text(*value);
  check(member, below(key.name), why_not);
}

void KeyReader::read_texts(Key key, std::vector<std::string>& member, WhyNot why_not) {
  const JsonValue* value = take(key, &JsonValue::IsArray, "is not an array of strings");
  if (value == nullptr) return;
  member.clear();
  for (const JsonValue& element : value->GetArray()) {
    if (!element.IsString()) return fail(key.name, "is not an array of strings");
    check(member.emplace_back(json_text(element)), below(key.name), why_not);
  }
}

void KeyReader::read_text_or_texts(Key key, std::vector<std::string>& member, WhyNot why_not) {
  const JsonValue* value = json_member(object_, key.name);
  if (value != nullptr && value->IsArray()) {
    read_texts(key, member, why_not);
    if (member.empty()) fail(key.name, "is an empty array");
    return;
  }
  std::string one;
  read_text(key, one, why_not, false);
  if (!one.empty()) member = {std::move(one)};
}

void KeyReader::read_pairs(Key key, Pairs& member, WhyNot name, WhyNot value) {
  const JsonValue* object = take(key, &JsonValue::IsObject, "is not an object");
  if (object == nullptr) return;
  const RecordPlace place = below(key.name);
  for (const auto& [left, right] : object->GetObject()) {
    const RecordPlace here = {&place, json_text(left)};
    if (!right.IsString()) return reading_.refuse(here, "is not a string");
    member.push_back({std::string(json_text(left)), std::string(json_text(right))});
    Pair& pair = member.back();
    check(pair.name, here, name);
    check(pair.value, here, value);
  }
}

void KeyReader::command(Key key, std::vector<std::string>& member, Help) {
  read_texts(key, member, AnyText::why_not);
  if (!is_listing_ && json_member(object_, key.name) != nullptr &&
      (member.empty() || !member.front().starts_with('/')))
    fail(key.name, "does not begin with an absolute path");
}

void KeyReader::duration(Key key, Milliseconds& member, Bounds bounds, Help) {
  const auto text = read_word(key);
  if (!text) return;
  const auto duration = parse_duration(*text);
  if (!duration) return fail(key.name, duration.error().message);
  member = *duration;
  if (member >= bounds.least && member <= bounds.most) return;
  fail(key.name, fmt::format("'{}' is not between {} and {}", *text, duration_text(bounds.least),
                             duration_text(bounds.most)));
}

void KeyReader::mode(Key key, mode_t& member, Help) {
  const auto text = read_word(key);
  if (!text) return;
  const auto mode = Mode::read(*text);
  if (!mode) return fail(key.name, mode.error().message);
  member = *mode;
}

std::optional<bool> KeyReader::read_boolean(Key key) {
  const JsonValue* value = take(key, &JsonValue::IsBool, "is neither true nor false");
  return value == nullptr ? std::nullopt : std::optional(value->GetBool());
}

std::optional<std::string> KeyReader::read_word(Key key) {
  std::string word;
  read_text(key, word, AnyText::why_not, false);
  return word.empty() ? std::nullopt : std::optional(std::move(word));
}

void KeyReader::refuse_word(Key key, std::string_view word, std::string_view known) {
  fail(key.name, fmt::format("'{}' is not one of: {}", word, known));
}

void KeyReader::one_of(std::string_view a, std::string_view b, std::string_view neither) {
  if (reading_.error || is_listing_) return;
  const bool has_a = json_member(object_, a) != nullptr, has_b = json_member(object_, b) != nullptr;
  if (has_a != has_b || (!has_a && !neither.empty() && json_member(object_, neither) != nullptr)) return;
  reading_.refuse(place_, fmt::format("needs either \"{}\" or \"{}\"", a, b));
}

void KeyReader::not_both(std::string_view a, std::string_view b) {
  if (reading_.error || is_listing_ || json_member(object_, a) == nullptr ||
      json_member(object_, b) == nullptr)
    return;
  fail(b, fmt::format("cannot be combined with \"{}\"", a));
}

void KeyReader::needs(std::string_view key, std::initializer_list<std::string_view> others) {
  if (reading_.error || is_listing_ || json_member(object_, key) == nullptr) return;
  for (const std::string_view other : others) {
    if (json_member(object_, other) == nullptr) return fail(key, fmt::format("needs \"{}\"", other));
  }
}

void KeyReader::refuse_unknown() {
  for (const auto& member : object_.GetObject()) {
    const std::string_view name = json_text(member.name);
    if (std::ranges::find(listed_, name) != listed_.end()) continue;
    fail(name, "is not a known key");
    reading_.error->hint = fmt::format("known keys: {}", fmt::join(listed_, ", "));
    return;
  }
}

}  // namespace oci_oauth
