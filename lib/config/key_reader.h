// SPDX-License-Identifier: Apache-2.0
// Reads an object by its description (keys.h). The first mistake in the description's order is reported as
// "SOURCE: /pointer/to/key: reason"; unknown keys come last.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "config/keys.h"

namespace oci_oauth {

// A configuration file's text, with comments. Failure: as parse_json, kind configuration.
Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source);

// "POINTER: reason", kind configuration; in() adds the file.
Error configuration_error(std::string_view pointer, std::string_view reason);
// The same at "/profiles/NAME/KEY".
Error profile_error(const Profile& profile, std::string_view key, std::string_view reason);

class KeyReader {
 public:
  using Help = DroppedHelp;

  // Reads all keys of `object`. Failure (configuration): the first mistake, here or in what it contains.
  template <class T>
  static Result<void> read_object(const JsonValue& json, std::string_view source, T& object) {
    RecordReading reading = {source};
    read_keys({json}, reading, object);
    if (!reading.error) return {};
    reading.error->kind = ErrorKind::configuration;
    return std::move(*reading.error);
  }

  void operator()(Key key, auto& member, Help) {
    if (const auto value = take(key)) read(*value, member);
  }
  template <class Rule>
  void operator()(Key key, auto& member, Rule rule, Help) {
    if (const auto value = take(key)) read(*value, member, rule);
  }
  template <Worded Enum>
  void operator()(Key key, Enum& member, std::initializer_list<Help> helps, Help) {
    static constexpr auto words = words_of(Enum{});
    const auto value = take(key);
    const auto index = value ? read_word(*value, std::span(words).first(helps.size())) : std::nullopt;
    if (index) member = static_cast<Enum>(*index);
  }

  void one_of(std::string_view a, std::string_view b, std::string_view neither = "");
  void not_both(std::string_view a, std::string_view b);
  void needs(std::string_view key, std::initializer_list<std::string_view> others);

 private:
  using WhyNot = const char* (*)(std::string&);

  struct Value {
    const JsonValue& json;
    RecordPlace place = {};
  };

  KeyReader(const Value& object, RecordReading& reading) : object_(object), reading_(reading) {}

  template <class T>
  static void read_keys(const Value& value, RecordReading& reading, T& object) {
    if (reading.error) return;
    if (!value.json.IsObject()) return reading.refuse(value.place, "is not an object");
    KeyReader reader(value, reading);
    keys_of(reader, object);
    if (reading.error || reader.found_ == value.json.MemberCount()) return;
    std::vector<std::string_view> known;
    EachKey listing = {[&](std::string_view key, const auto&) { known.push_back(key); }};
    keys_of(listing, object);
    reader.refuse_unknown(known);
  }

  void read(const Value& value, auto& object) { read_keys(value, reading_, object); }
  template <class T>
  void read(const Value& value, std::optional<T>& object) {
    read_keys(value, reading_, object.emplace());
  }
  template <class T>
  void read(const Value& array, std::vector<T>& objects) {
    if (!array.json.IsArray()) return reading_.refuse(array.place, "is not an array");
    for (const JsonValue& element : array.json.GetArray()) {
      const RecordPlace place = {&array.place, {}, objects.size()};
      T& next = objects.emplace_back();
      if constexpr (requires { next.place; }) next.place = place.pointer();
      read_keys({element, place}, reading_, next);
    }
  }
  template <class T>
  void read(const Value& object, std::vector<T>& objects, ByName) {
    if (!object.json.IsObject()) return reading_.refuse(object.place, "is not an object");
    for (const auto& [name, element] : object.json.GetObject()) {
      const RecordPlace place = {&object.place, json_text(name)};
      T& next = objects.emplace_back();
      next.name = json_text(name);
      check(next.name, place, Name::why_not);
      read_keys({element, place}, reading_, next);
    }
  }
  template <class Rule>
  void read(const Value& value, std::string& text, Rule) {
    read_text(value, text, Rule::why_not, std::same_as<Rule, AnyText>);
  }
  template <class Rule>
  void read(const Value& value, std::vector<std::string>& texts, Rule) {
    read_texts(value, texts, Rule::why_not);
  }
  template <class Rule>
  void read(const Value& value, std::vector<std::string>& texts, OneOrMore<Rule>) {
    read_one_or_more(value, texts, Rule::why_not);
  }
  template <class Names, class Texts>
  void read(const Value& value, Pairs& pairs, PairsOf<Names, Texts>) {
    read_pairs(value, pairs, Names::why_not, Texts::why_not);
  }
  void read(const Value& value, bool& flag);
  void read(const Value& value, std::vector<std::string>& command, Command);
  void read(const Value& value, Milliseconds& duration, Bounds bounds);
  void read(const Value& value, mode_t& mode, Mode);

  void read_text(const Value& value, std::string& text, WhyNot why_not, bool may_be_empty);
  void read_texts(const Value& value, std::vector<std::string>& texts, WhyNot why_not);
  void read_one_or_more(const Value& value, std::vector<std::string>& texts, WhyNot why_not);
  void read_pairs(const Value& object, Pairs& pairs, WhyNot name, WhyNot text);
  // The position among `known`; nullopt after a mistake.
  std::optional<size_t> read_word(const Value& value, std::span<const std::string_view> known);
  // A text that is not empty; empty after a mistake.
  std::string read_token(const Value& value);
  void check(std::string& text, const RecordPlace& place, WhyNot why_not);

  RecordPlace below(std::string_view key) const { return {&object_.place, key}; }
  bool has(std::string_view key) const { return json_member(object_.json, key) != nullptr; }
  // nullopt: it is not there, or there was a mistake before.
  std::optional<Value> take(Key key);
  void refuse_unknown(const std::vector<std::string_view>& known);

  const Value& object_;
  RecordReading& reading_;
  size_t found_ = 0;
};

}  // namespace oci_oauth
