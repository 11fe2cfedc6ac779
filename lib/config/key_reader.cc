// SPDX-License-Identifier: Apache-2.0
#include "config/key_reader.h"

#include <algorithm>

#include "base/fmt.h"

namespace oci_oauth {

Error configuration_error(std::string_view source, std::string_view pointer, std::string_view reason) {
  return {ErrorKind::configuration,
          fmt::format("{}: {}: {}", source, pointer.empty() ? "/" : pointer, reason)};
}

Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source, JsonRules::comments);
  if (!json) json.error().kind = ErrorKind::configuration;
  return json;
}

std::string Place::pointer() const {
  return above == nullptr ? "" : fmt::format("{}/{}", above->pointer(), key);
}

Error Place::mistake(std::string_view reason) const {
  return configuration_error(source, pointer(), reason);
}

void KeyReader::fail(std::string_view key, std::string_view reason) {
  keep(Place{place_.source, &place_, key}.mistake(reason));
}

const JsonValue* KeyReader::take(Key key) {
  if (is_listing_) listed_.push_back(key.name);
  if (is_listing_ || !failure_) return nullptr;
  const JsonValue* value = json_member(object_, key.name);
  if (value != nullptr) ++found_;
  if (value == nullptr && key.is_required) fail(key.name, "is missing");
  return value;
}

const JsonValue* KeyReader::take_array(Key key) {
  const JsonValue* value = take(key);
  if (value == nullptr || value->IsArray()) return value;
  fail(key.name, "is not an array");
  return nullptr;
}

const JsonValue* KeyReader::take_object(Key key) {
  const JsonValue* value = take(key);
  if (value == nullptr || value->IsObject()) return value;
  fail(key.name, "is not an object");
  return nullptr;
}

void KeyReader::read_text(Key key, std::string& member, Accept accept, bool may_be_empty) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsString() || (!may_be_empty && value->GetStringLength() == 0))
    return fail(key.name, may_be_empty ? "is not a string" : "is not a non-empty string");
  if (json_text(*value).find('\0') != std::string_view::npos)
    return fail(key.name, "contains a NUL character");
  member = json_text(*value);
  if (const auto accepted = accept(member); !accepted) fail(key.name, accepted.error().message);
}

void KeyReader::read_texts(Key key, std::vector<std::string>& member, Accept accept) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsArray()) return fail(key.name, "is not an array of strings");
  member.clear();
  for (const JsonValue& element : value->GetArray()) {
    if (!element.IsString()) return fail(key.name, "is not an array of strings");
    if (json_text(element).find('\0') != std::string_view::npos)
      return fail(key.name, "contains a NUL character");
    member.emplace_back(json_text(element));
    if (const auto accepted = accept(member.back()); !accepted)
      return fail(key.name, accepted.error().message);
  }
}

void KeyReader::read_text_or_texts(Key key, std::vector<std::string>& member, Accept accept) {
  const JsonValue* value = json_member(object_, key.name);
  if (value != nullptr && value->IsArray()) {
    read_texts(key, member, accept);
    if (member.empty()) fail(key.name, "is an empty array");
    return;
  }
  std::string one;
  read_text(key, one, accept, false);
  if (!one.empty()) member = {std::move(one)};
}

void KeyReader::read_pairs(Key key, Pairs& member, Accept name, Accept value) {
  const JsonValue* object = take_object(key);
  if (object == nullptr) return;
  const Place place = {place_.source, &place_, key.name};
  for (const auto& [left, right] : object->GetObject()) {
    const Place here = {place_.source, &place, json_text(left)};
    if (!right.IsString() || json_text(right).find('\0') != std::string_view::npos)
      return keep(here.mistake("is not a string without NUL characters"));
    member.push_back({std::string(json_text(left)), std::string(json_text(right))});
    auto& [first, second] = member.back();
    if (const auto accepted = name(first); !accepted) return keep(here.mistake(accepted.error().message));
    if (const auto accepted = value(second); !accepted) return keep(here.mistake(accepted.error().message));
  }
}

void KeyReader::command(Key key, std::vector<std::string>& member, Help) {
  read_texts(key, member, AnyText::accept);
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
  const JsonValue* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->IsBool()) return value->GetBool();
  fail(key.name, "is neither true nor false");
  return std::nullopt;
}

std::optional<std::string> KeyReader::read_word(Key key) {
  std::string word;
  read_text(key, word, AnyText::accept, false);
  return word.empty() ? std::nullopt : std::optional(std::move(word));
}

void KeyReader::refuse_word(Key key, std::string_view word, std::string_view known) {
  fail(key.name, fmt::format("'{}' is not one of: {}", word, known));
}

void KeyReader::one_of(std::string_view a, std::string_view b, std::string_view neither) {
  if (!failure_ || is_listing_) return;
  const bool has_a = json_member(object_, a) != nullptr, has_b = json_member(object_, b) != nullptr;
  if (has_a != has_b || (!has_a && !neither.empty() && json_member(object_, neither) != nullptr)) return;
  keep(place_.mistake(fmt::format("needs either \"{}\" or \"{}\"", a, b)));
}

void KeyReader::not_both(std::string_view a, std::string_view b) {
  if (!failure_ || is_listing_ || json_member(object_, a) == nullptr || json_member(object_, b) == nullptr)
    return;
  fail(b, fmt::format("cannot be combined with \"{}\"", a));
}

void KeyReader::needs(std::string_view key, std::initializer_list<std::string_view> others) {
  if (!failure_ || is_listing_ || json_member(object_, key) == nullptr) return;
  for (const std::string_view other : others) {
    if (json_member(object_, other) == nullptr) return fail(key, fmt::format("needs \"{}\"", other));
  }
}

Error KeyReader::unknown() const {
  for (const auto& member : object_.GetObject()) {
    const std::string_view name = json_text(member.name);
    if (std::find(listed_.begin(), listed_.end(), name) != listed_.end()) continue;
    return Place{place_.source, &place_, name}
        .mistake("is not a known key")
        .with_hint(fmt::format("known keys: {}", fmt::join(listed_, ", ")));
  }
  return place_.mistake("has an unknown key");
}

}  // namespace oci_oauth
