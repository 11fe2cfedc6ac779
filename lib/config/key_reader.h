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

#include "base/json.h"
#include "base/result.h"
#include "config/keys.h"

namespace oci_oauth {

// A configuration file's text, with comments. Failure: as parse_json, kind configuration.
Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source);

// "SOURCE: POINTER: reason", kind configuration.
Error configuration_error(std::string_view source, std::string_view pointer, std::string_view reason);

// Where a value is. Spelled out only for a message.
struct Place {
  std::string_view source;
  const Place* above = nullptr;  // nullptr: the root
  std::string_view key = {};

  std::string pointer() const;
  Error mistake(std::string_view reason) const;
};

class KeyReader {
 public:
  using Help = DroppedHelp;
  template <class Enum>
  using Choice = KeyChoice<Enum, Help>;

  KeyReader(const JsonValue& object, const Place& place) : object_(object), place_(place) {
    if (!object.IsObject()) failure_ = place.mistake("is not an object");
  }

  void text(Key key, std::string& member, auto rule, Help) {
    read_text(key, member, rule.accept, rule.may_be_empty);
  }
  void texts(Key key, std::vector<std::string>& member, auto rule, Help) {
    read_texts(key, member, rule.accept);
  }
  void text_or_texts(Key key, std::vector<std::string>& member, auto rule, Help) {
    read_text_or_texts(key, member, rule.accept);
  }
  void pairs(Key key, Pairs& member, auto name, auto value, Help) {
    read_pairs(key, member, name.accept, value.accept);
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
    if (const JsonValue* value = take(key)) read_object(*value, {place_.source, &place_, key.name}, member);
  }
  template <class T>
  void object(Key key, std::optional<T>& member, Help) {
    if (const JsonValue* value = take(key))
      read_object(*value, {place_.source, &place_, key.name}, member.emplace());
  }

  template <class T>
  void objects(Key key, std::vector<T>& member, Help) {
    const JsonValue* value = take_array(key);
    if (value == nullptr) return;
    const Place array = {place_.source, &place_, key.name};
    unsigned index = 0;
    for (const JsonValue& element : value->GetArray()) {
      const std::string name = std::to_string(index++);
      const Place place = {place_.source, &array, name};
      T& read = member.emplace_back();
      if constexpr (requires { read.place; }) read.place = place.pointer();
      read_object(element, place, read);
    }
  }

  template <class T>
  void named(Key key, std::vector<T>& member, Help) {
    const JsonValue* value = take_object(key);
    if (value == nullptr) return;
    const Place object = {place_.source, &place_, key.name};
    for (const auto& [name, element] : value->GetObject()) {
      const Place place = {place_.source, &object, json_text(name)};
      T& read = member.emplace_back();
      read.name = json_text(name);
      if (const auto accepted = Name::accept(read.name); !accepted)
        keep(place.mistake(accepted.error().message));
      read_object(element, place, read);
    }
  }

  void one_of(std::string_view a, std::string_view b, std::string_view neither = "");
  void not_both(std::string_view a, std::string_view b);
  void needs(std::string_view key, std::initializer_list<std::string_view> others);

  // Reads all keys of `member`. Failure: the first mistake, here or in what it contains.
  template <class T>
  static Result<void> read(const JsonValue& value, const Place& place, T& member) {
    KeyReader reader(value, place);
    keys_of(reader, member);
    if (!reader.has_unknown()) return std::move(reader.failure_);
    reader.is_listing_ = true;
    keys_of(reader, member);
    return reader.unknown();
  }

 private:
  using Accept = Result<void> (*)(std::string&);

  template <class T>
  void read_object(const JsonValue& value, const Place& place, T& member) {
    if (!failure_) return;
    if (auto done = read(value, place, member); !done) keep(std::move(done).error());
  }

  const JsonValue* take(Key key);
  const JsonValue* take_array(Key key);
  const JsonValue* take_object(Key key);
  void read_text(Key key, std::string& member, Accept accept, bool may_be_empty);
  void read_texts(Key key, std::vector<std::string>& member, Accept accept);
  void read_text_or_texts(Key key, std::vector<std::string>& member, Accept accept);
  void read_pairs(Key key, Pairs& member, Accept name, Accept value);
  std::optional<bool> read_boolean(Key key);
  std::optional<std::string> read_word(Key key);
  void refuse_word(Key key, std::string_view word, std::string_view known);

  void fail(std::string_view key, std::string_view reason);
  void keep(Error error) {
    if (failure_) failure_ = std::move(error);
  }
  bool has_unknown() const { return failure_ && found_ < object_.MemberCount(); }
  Error unknown() const;

  const JsonValue& object_;
  const Place& place_;
  size_t found_ = 0;
  bool is_listing_ = false;  // the keys' names are wanted, and nothing is read
  std::vector<std::string_view> listed_;
  Result<void> failure_;
};

}  // namespace oci_oauth
