// SPDX-License-Identifier: Apache-2.0
#include "schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/json.h"
#include "config/keys.h"

namespace oci_oauth {

namespace {

template <class Rule>
std::string schema_of() {
  if constexpr (requires { Rule::schema; }) {
    return std::string(Rule::schema);
  } else {
    return fmt::format(R"("type": "string", "pattern": {})", json_quoted(Rule::pattern));
  }
}

// The members of a schema that says what an object's keys may be.
class SchemaKeys {
 public:
  using Help = std::string_view;
  template <class Enum>
  using Choice = KeyChoice<Enum, Help>;

  template <class T>
  static std::string of(T object = {}) {
    SchemaKeys keys;
    keys_of(keys, object);
    std::string schema = R"("type": "object", "additionalProperties": false)";
    if (!keys.required_.empty())
      schema += fmt::format(R"(, "required": ["{}"])", fmt::join(keys.required_, "\", \""));
    if (!keys.dependencies_.empty())
      schema += fmt::format(R"(, "dependencies": {{{}}})", fmt::join(keys.dependencies_, ", "));
    return fmt::format(R"({}, "properties": {{{}}}{})", schema, fmt::join(keys.properties_, ", "),
                       keys.relations_);
  }

  template <class Rule>
  void text(Key key, std::string&, Rule, Help help) {
    add(key, schema_of<Rule>(), help);
  }
  template <class Rule>
  void texts(Key key, std::vector<std::string>&, Rule, Help help) {
    add(key, array(schema_of<Rule>()), help);
  }
  template <class Rule>
  void text_or_texts(Key key, std::vector<std::string>&, Rule, Help help) {
    add(key,
        fmt::format(R"("anyOf": [{{{}}}, {{"minItems": 1, {}}}])", schema_of<Rule>(),
                    array(schema_of<Rule>())),
        help);
  }
  template <class Name, class Value>
  void pairs(Key key, Pairs&, Name, Value, Help help) {
    add(key, members(Name::pattern, schema_of<Value>()), help);
  }
  void command(Key key, std::vector<std::string>&, Help help) {
    add(key,
        R"("type": "array", "minItems": 1, "items": [{"type": "string", "pattern": "^/"}],)"
        R"( "additionalItems": {"type": "string"})",
        help);
  }
  void duration(Key key, Milliseconds&, Bounds bounds, Help help) {
    const std::string_view count = bounds.least.count() > 0 ? "0*[1-9][0-9]*" : "[0-9]+";
    add(key, fmt::format(R"("type": "string", "pattern": "^{}(ms|s|m|h|d)$")", count), help);
  }
  void mode(Key key, mode_t&, Help help) { add(key, schema_of<Mode>(), help); }
  template <class Flag>
  void boolean(Key key, Flag&, Help help) {
    add(key, R"("type": "boolean")", help);
  }
  template <class Enum>
  void choice(Key key, Enum&, std::initializer_list<Choice<std::type_identity_t<Enum>>> choices, Help help) {
    std::vector<std::string_view> words;
    for (const auto& choice : choices) words.push_back(choice.word);
    add(key, fmt::format(R"("enum": ["{}"])", fmt::join(words, "\", \"")), help);
  }
  template <class T>
  void object(Key key, T&, Help help) {
    add(key, of<T>(), help);
  }
  template <class T>
  void object(Key key, std::optional<T>&, Help help) {
    add(key, of<T>(), help);
  }
  template <class T>
  void objects(Key key, std::vector<T>&, Help help) {
    add(key, array(of<T>()), help);
  }
  template <class T>
  void named(Key key, std::vector<T>&, Help help) {
    add(key, members(Name::pattern, of<T>()), help);
  }
  void one_of(std::string_view a, std::string_view b, std::string_view neither = "") {
    const std::string none = fmt::format(
        R"(, {{"required": ["{}"], "not": {{"anyOf": [{{"required": ["{}"]}}, {{"required": ["{}"]}}]}}}})",
        neither, a, b);
    relations_ += fmt::format(R"(, "oneOf": [{{"required": ["{}"]}}, {{"required": ["{}"]}}{}])", a, b,
                              neither.empty() ? "" : none);
  }
  void not_both(std::string_view a, std::string_view b) {
    relations_ += fmt::format(R"(, "not": {{"required": ["{}", "{}"]}})", a, b);
  }
  void needs(std::string_view key, std::initializer_list<std::string_view> others) {
    dependencies_.push_back(fmt::format(R"("{}": ["{}"])", key, fmt::join(others, "\", \"")));
  }

 private:
  static std::string array(std::string_view items) {
    return fmt::format(R"("type": "array", "items": {{{}}})", items);
  }
  static std::string members(std::string_view names, std::string_view values) {
    return fmt::format(
        R"("type": "object", "patternProperties": {{{}: {{{}}}}}, "additionalProperties": {{"not": {{}}}})",
        json_quoted(names), values);
  }
  void add(Key key, std::string_view schema, Help help) {
    properties_.push_back(
        fmt::format(R"("{}": {{"description": {}, {}}})", key.name, json_quoted(help), schema));
    if (key.is_required) required_.emplace_back(key.name);
  }

  std::vector<std::string> properties_, required_, dependencies_;
  std::string relations_;
};

std::string laid_out(std::string_view title, const std::string& schema) {
  const std::string text = fmt::format(
      R"({{"$schema": "http://json-schema.org/draft-04/schema#", "title": "{}",
          "description": "See oci-oauth-config(5), which has rules that no schema can say.", {}}})",
      title, schema);
  return std::string(write_json(parse_json(text, "schema").take(), JsonStyle::indented).reveal());
}

}  // namespace

std::string config_schema() {
  return laid_out("oci-oauth-hook: config.json", SchemaKeys::of<Config>());
}

std::string provider_schema() {
  return laid_out("oci-oauth-hook: a provider", SchemaKeys::of<Provider>());
}

}  // namespace oci_oauth
