// SPDX-License-Identifier: Apache-2.0
// Reads an object by its description (keys.h). The first mistake in the description's order is reported as
// "SOURCE: /pointer/to/key: reason"; unknown keys come last.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/record.h"
#include "config/keys.h"

namespace oci_oauth {

// A configuration file's text, with comments. Failure: as parse_json, kind configuration.
Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source);

// "POINTER: reason", kind configuration; in() adds the file.
Error configuration_error(std::string_view pointer, std::string_view reason);

class KeyReader {
 public:
  using Help = DroppedHelp;
  template <class Enum>
  using Choice = KeyChoice<Enum, Help>;

  // Reads all keys of `member`. Failure (configuration): the first mistake, here or in what it contains.
  template <class T>
  static Result<void> read(const JsonValue& value, std::string_view source, T& member) {
    RecordReading reading = {source};
    read(value, {}, reading, member);
    if (!reading.error) return {};
    reading.error->kind = ErrorKind::configuration;
    return std::move(*reading.error);
  }

  void text(Key key, std::string& member, auto rule, Help) {
    read_text(key, member, rule.why_not, rule.may_be_empty);
  }
  void texts(Key key, std::vector<std::string>& member, auto rule, Help) {
    read_texts(key, member, rule.why_not);
  }
  void text_or_texts(Key key, std::vector<std::string>& member, auto rule, Help) {
    read_text_or_texts(key, member, rule.why_not);
  }
  void pairs(Key key, Pairs& member, auto name, auto value, Help) {
    read_pairs(key, member, name.why_not, value.why_not);
  }
  void command(Key key, std::vector<std::string>& member, Help);
  void duration(Key key, Milliseconds& member, Bounds bounds, Help);
  void mode(Key key, mode_t& member, Help);

  template <class Flag>
  void boolean(Key key, Flag& member, Help) {
    if (const auto read = read_boolean(key)) member = static_cast<Flag>(*read);
  }

  template <class Enum>
  void choice(Key key, Enum& member, std::initializer_list<Choice<std::type_identity_t<Enum>>> choices,
              Help) {
    const auto word = read_word(key);
    if (!word) return;
    std::string known;
    for (const auto& choice : choices) {
      if (choice.word == *word) {
        member = choice.value;
        return;
      }
      known += std::string(known.empty() ? "" : ", ").append(choice.word);
    }
    refuse_word(key, *word, known);
  }

  template <class T>
  void object(Key key, T& member, Help) {
    if (const JsonValue* value = take(key)) read(*value, below(key.name), reading_, member);
  }
  template <class T>
  void object(Key key, std::optional<T>& member, Help) {
    if (const JsonValue* value = take(key)) read(*value, below(key.name), reading_, member.emplace());
  }
  template <class T>
  void objects(Key key, std::vector<T>& member, Help) {
    const JsonValue* value = take(key, &JsonValue::IsArray, "is not an array");
    if (value == nullptr) return;
    const RecordPlace array = below(key.name);
    for (const JsonValue& element : value->GetArray()) {
      const RecordPlace place = {&array, {}, member.size()};
      T& next = member.emplace_back();
      if constexpr (requires { next.place; }) next.place = place.pointer();
      read(element, place, reading_, next);
    }
  }
  template <class T>
  void named(Key key, std::vector<T>& member, Help) {
    const JsonValue* value = take(key, &JsonValue::IsObject, "is not an object");
    if (value == nullptr) return;
    const RecordPlace object = below(key.name);
    for (const auto& [name, element] : value->GetObject()) {
      const RecordPlace place = {&object, json_text(name)};
      T& next = member.emplace_back();
      next.name = json_text(name);
      check(next.name, place, Name::why_not);
      read(element, place, reading_, next);
    }
  }

  void one_of(std::string_view a, std::string_view b, std::string_view neither = "");
  void not_both(std::string_view a, std::string_view b);
  void needs(std::string_view key, std::initializer_list<std::string_view> others);

 private:
  using WhyNot = const char* (*)(std::string&);

  KeyReader(const JsonValue& object, const RecordPlace& place, RecordReading& reading)
      : object_(object), place_(place), reading_(reading) {
    if (!object.IsObject()) reading.refuse(place, "is not an object");
  }
  template <class T>
  static void read(const JsonValue& value, const RecordPlace& place, RecordReading& reading, T& member) {
    if (reading.error) return;
    KeyReader reader(value, place, reading);
    keys_of(reader, member);
    if (reading.error || reader.found_ == value.MemberCount()) return;
    reader.is_listing_ = true;
    keys_of(reader, member);
    reader.refuse_unknown();
  }

  RecordPlace below(std::string_view key) const { return {&place_, key}; }
  const JsonValue* take(Key key);
  // The same for a value of one kind.
  const JsonValue* take(Key key, bool (JsonValue::*is_kind)() const, const char* otherwise) {
    const JsonValue* value = take(key);
    if (value == nullptr || (value->*is_kind)()) return value;
    fail(key.name, otherwise);
    return nullptr;
  }
  void check(std::string& text, const RecordPlace& place, WhyNot why_not);
  void read_text(Key key, std::string& member, WhyNot why_not, bool may_be_empty);
  void read_texts(Key key, std::vector<std::string>& member, WhyNot why_not);
  void read_text_or_texts(Key key, std::vector<std::string>& member, WhyNot why_not);
  void read_pairs(Key key, Pairs& member, WhyNot name, WhyNot value);
  std::optional<bool> read_boolean(Key key);
  std::optional<std::string> read_word(Key key);
  void refuse_word(Key key, std::string_view word, std::string_view known);
  void refuse_unknown();
  void fail(std::string_view key, std::string_view reason) { reading_.refuse(below(key), reason); }

  const JsonValue& object_;
  const RecordPlace& place_;
  RecordReading& reading_;
  size_t found_ = 0;
  bool is_listing_ = false;  // the keys' names are wanted, and nothing is read
  std::vector<std::string_view> listed_;
};

}  // namespace oci_oauth
