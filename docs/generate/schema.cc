// SPDX-License-Identifier: Apache-2.0
#include "schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "config/keys.h"

namespace oci_oauth {

namespace {

template <class Rule>
std::string schema_of_text() {
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
  void operator()(Key key, auto& member, Rule rule, Help help) {
    add(key, schema_of(member, rule), help);
  }
  template <class T>
  void operator()(Key key, T& member, Help help) {
    add(key, schema_of(member), help);
  }
  template <Worded Enum>
  void operator()(Key key, Enum& member, std::initializer_list<Help> helps, Help help) {
    const auto words = words_of(member);
    const auto known = std::span(words).first(helps.size());
    add(key, fmt::format(R"("enum": ["{}"])", fmt::join(known, "\", \"")), help);
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
  template <class Rule>
  static std::string schema_of(const std::string&, Rule) {
    return schema_of_text<Rule>();
  }
  template <class Rule>
  static std::string schema_of(const std::vector<std::string>&, Rule) {
    return array(schema_of_text<Rule>());
  }
  template <class Rule>
  static std::string schema_of(const std::vector<std::string>&, OneOrMore<Rule>) {
    const std::string one = schema_of_text<Rule>();
    return fmt::format(R"("anyOf": [{{{}}}, {{"minItems": 1, {}}}])", one, array(one));
  }
  template <class Name, class Value>
  static std::string schema_of(const Pairs&, PairsOf<Name, Value>) {
    return members(Name::pattern, schema_of_text<Value>());
  }
  static std::string schema_of(const std::vector<std::string>&, Command) {
    return R"("type": "array", "minItems": 1, "items": [{"type": "string", "pattern": "^/"}],)"
           R"( "additionalItems": {"type": "string"})";
  }
  static std::string schema_of(Milliseconds, Bounds bounds) {
    const std::string_view count = bounds.least.count() > 0 ? "0*[1-9][0-9]*" : "[0-9]+";
    return fmt::format(R"("type": "string", "pattern": "^{}(ms|s|m|h|d)$")", count);
  }
  static std::string schema_of(mode_t, Mode) { return std::string(Mode::schema); }
  static std::string schema_of(bool) { return R"("type": "boolean")"; }
  template <class T>
  static std::string schema_of(const T&) {
    return of<T>();
  }
  template <class T>
  static std::string schema_of(const std::optional<T>&) {
    return of<T>();
  }
  template <class T>
  static std::string schema_of(const std::vector<T>&) {
    return array(of<T>());
  }
  template <class T>
  static std::string schema_of(const std::vector<T>&, ByName) {
    return members(Name::pattern, of<T>());
  }

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
