// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <cmath>

#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

using rapidjson::SizeType;

WipingAllocator allocator;  // without a state

JsonValue text_value(std::string_view text) {
  return {text.empty() ? "" : text.data(), static_cast<SizeType>(text.size()), allocator};
}

bool is_plain(char c) {
  return static_cast<unsigned char>(c) - 0x20U < 0x5f && c != '"' && c != '\\';
}

// The first key that `object` holds twice, or nullptr. Readers disagree about which one counts.
const JsonValue* repeated_key(const JsonValue& object) {
  std::vector<const JsonValue*> keys;
  keys.reserve(object.MemberCount());
  for (const auto& member : object.GetObject()) keys.push_back(&member.name);
  const auto by_length = [](const JsonValue* a, const JsonValue* b) {
    return std::pair(a->GetStringLength(), json_text(*a)) < std::pair(b->GetStringLength(), json_text(*b));
  };
  const auto same = [](const JsonValue* a, const JsonValue* b) { return json_text(*a) == json_text(*b); };
  std::ranges::sort(keys, by_length);
  const auto twin = std::ranges::adjacent_find(keys, same);
  return twin == keys.end() ? nullptr : *twin;
}

// Builds the document that a reader goes through.
class Builder {
 public:
  Builder(std::string_view text, JsonRules rules) : json_(text, rules), rules_(rules) {}

  JsonReader& reader() { return json_; }

  JsonValue value() {
    const JsonKind kind = json_.next();
    const bool is_nested = kind == JsonKind::object || kind == JsonKind::array;
    if (is_nested && is_lenient() && json_.depth() == json_max_depth) {
      json_.skip();
      return JsonValue();
    }
    switch (kind) {
      case JsonKind::object:
        return object();
      case JsonKind::array:
        return array();
      case JsonKind::string:
        return text_value(json_.string());
      case JsonKind::number:
        return number();
      default:
        return literal(kind);
    }
  }

 private:
  bool is_lenient() const { return rules_ == JsonRules::lenient; }

  JsonValue object() {
    JsonValue object = json_object();
    json_.enter(JsonKind::object);
    while (const auto key = json_.next_key()) {
      JsonValue name = text_value(*key), member = value();
      object.AddMember(name, member, allocator);
    }
    if (const JsonValue* key = is_lenient() ? nullptr : repeated_key(object))
      json_.fail(fmt::format("duplicate key '{}'", json_text(*key)));
    return object;
  }

  JsonValue array() {
    JsonValue array = json_array();
    json_.enter(JsonKind::array);
    while (json_.next_element()) json_append(array, value());
    return array;
  }

  JsonValue number() {
    const std::string_view text = json_.number();
    if (const auto number = number_in<std::int64_t>(text)) return JsonValue(*number);
    if (const auto number = number_in<std::uint64_t>(text)) return JsonValue(*number);
    const double value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isfinite(value)) return JsonValue(value);
    if (!is_lenient()) json_.fail("a number is too large");
    return JsonValue(std::copysign(large_number, value));
  }

  JsonValue literal(JsonKind kind) {
    const size_t begin = json_.offset();
    json_.literal();
    return kind == JsonKind::boolean ? JsonValue(json_.offset() == begin + 4) : JsonValue();
  }

  static constexpr double large_number = 9e307;

  JsonReader json_;
  JsonRules rules_;
};

}  // namespace

Result<JsonDocument> parse_json(std::string_view text, std::string_view source, JsonRules rules) {
  if (text.empty()) return Error{ErrorKind::failed, fmt::format("{}: is empty", source)};
  Builder builder(text, rules);
  JsonValue document = builder.value();
  TRY(builder.reader().finish(source));
  return document;
}

std::optional<JsonDocument> parse_json_leniently(std::string_view text) {
  Builder builder(text, JsonRules::lenient);
  JsonValue document = builder.value();
  if (builder.reader().has_failed()) return std::nullopt;
  return document;
}

const JsonValue* json_member(const JsonValue& object, std::string_view key) {
  if (!object.IsObject()) return nullptr;
  for (const auto& member : object.GetObject()) {
    if (json_text(member.name) == key) return &member.value;
  }
  return nullptr;
}

std::optional<std::string_view> json_string(const JsonValue& object, std::string_view key) {
  const JsonValue* value = json_member(object, key);
  if (value == nullptr || !value->IsString()) return std::nullopt;
  return json_text(*value);
}

std::optional<std::int64_t> json_int(const JsonValue& object, std::string_view key) {
  const JsonValue* value = json_member(object, key);
  if (value == nullptr || !value->IsInt64()) return std::nullopt;
  return value->GetInt64();
}

std::optional<JsonPath> parse_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return std::nullopt;
  JsonPath path;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      path.emplace_back();
    } else if (text[i] != '~') {
      path.back() += text[i];
    } else if (const char escaped = ++i < text.size() ? text[i] : ' '; escaped == '0' || escaped == '1') {
      path.back() += escaped == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return path;
}

std::string json_pointer_step(std::string_view key) {
  std::string step;
  for (const char c : key) {
    if (c == '~' || c == '/') {
      step += c == '~' ? "~0" : "~1";
    } else {
      step += c;
    }
  }
  return step;
}

std::string last_key(std::string_view pointer) {
  const auto path = parse_json_pointer(pointer);
  return path ? path->back() : "";
}

namespace {

const JsonValue* find_step(const JsonValue& value, const std::string& step) {
  if (!value.IsArray()) return json_member(value, step);
  const bool is_index = step == "0" || !step.starts_with('0');
  const auto index = is_index ? number_in<SizeType>(step) : std::nullopt;
  return index && *index < value.Size() ? &value[*index] : nullptr;
}

}  // namespace

const JsonValue* json_at(const JsonValue& document, const JsonPath& path) {
  const JsonValue* at = &document;
  for (size_t step = 0; step < path.size() && at != nullptr; ++step) at = find_step(*at, path[step]);
  return at;
}

const JsonValue* json_at(const JsonValue& document, std::string_view pointer) {
  const auto path = parse_json_pointer(pointer);
  return path ? json_at(document, *path) : nullptr;
}

std::optional<std::string_view> json_string_at(const JsonValue& document, std::string_view pointer) {
  const JsonValue* const value = json_at(document, pointer);
  if (value == nullptr || !value->IsString()) return std::nullopt;
  return json_text(*value);
}

void json_set_at(JsonValue& document, const JsonPath& path, JsonValue value) {
  JsonValue* at = &document;
  for (const std::string& step : path) {
    if (find_step(*at, step) == nullptr) {
      if (!at->IsObject()) *at = json_object();
      json_set(*at, step, JsonValue());
    }
    at = const_cast<JsonValue*>(find_step(*at, step));
  }
  *at = std::move(value);
}

void json_set_at(JsonValue& document, std::string_view pointer, JsonValue value) {
  if (const auto path = parse_json_pointer(pointer)) json_set_at(document, *path, std::move(value));
}

JsonValue json_object() {
  return JsonValue(rapidjson::kObjectType);
}

JsonValue json_object(std::initializer_list<JsonMemberValue> members) {
  JsonValue object = json_object();
  for (const auto& [key, value] : members) json_set(object, key, json_copy(value));
  return object;
}

JsonValue json_array() {
  return JsonValue(rapidjson::kArrayType);
}

JsonValue json_copy(const JsonValue& value) {
  return {value, allocator};
}

JsonValue to_json(std::string_view text) {
  return text_value(text);
}

void json_set(JsonValue& object, std::string_view key, JsonValue value) {
  for (auto& member : object.GetObject()) {
    if (json_text(member.name) == key) {
      member.value = value;
      return;
    }
  }
  JsonValue name = to_json(key);
  object.AddMember(name, value, allocator);
}

void json_remove(JsonValue& object, std::string_view key) {
  for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
    if (json_text(member->name) == key) return static_cast<void>(object.EraseMember(member));
  }
}

void json_append(JsonValue& array, JsonValue value) {
  array.PushBack(value, allocator);
}

// RFC 8259 section 7. What is not UTF-8 could not be read again: each such byte becomes U+FFFD.
void JsonWriter::write_text(std::string_view text) {
  append("\"");
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    size_t length = 1;
    if (c == '"' || c == '\\') {
      append(c == '"' ? "\\\"" : "\\\\");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append(fmt::format("\\u{:04x}", static_cast<unsigned>(c)));
    } else if ((length = utf8_character(text).size) > 0) {
      append(text.substr(0, length));
    } else {
      append("\xef\xbf\xbd");
      length = 1;
    }
    text.remove_prefix(length);
  }
  append("\"");
}

void JsonWriter::write_key(std::string_view key) {
  next();
  write_text(key);
  append(style_ == JsonStyle::indented ? ": " : ":");
}

void JsonWriter::next() {
  if (!is_first_) append(",");
  is_first_ = false;
  new_line();
}

void JsonWriter::open(char bracket) {
  append({&bracket, 1});
  ++depth_;
  is_first_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!is_first_) new_line();
  is_first_ = false;
  append({&bracket, 1});
}

void JsonWriter::new_line() {
  if (style_ != JsonStyle::indented) return;
  append("\n");
  append(std::string(2 * size_t{depth_}, ' '));
}

Secret JsonWriter::finish() {
  if (style_ == JsonStyle::indented) append("\n");
  return Secret(std::move(text_));
}

void JsonWriter::write(const JsonValue& value) {
  if (value.IsObject()) {
    open('{');
    for (const auto& member : value.GetObject()) {
      write_key(json_text(member.name));
      write(member.value);
    }
    close('}');
  } else if (value.IsArray()) {
    open('[');
    for (const JsonValue& element : value.GetArray()) {
      next();
      write(element);
    }
    close(']');
  } else if (value.IsString()) {
    write_text(json_text(value));
  } else if (value.IsInt64()) {
    write_number(value.GetInt64());
  } else if (value.IsUint64()) {
    write_number(value.GetUint64());
  } else if (value.IsDouble()) {
    write_double(value.GetDouble());
  } else {
    append(value.IsNull() ? "null" : value.IsTrue() ? "true" : "false");
  }
}

// The shortest digits that are read as the same number, and not as an integer.
void JsonWriter::write_double(double value) {
  char digits[32];
  const std::string_view text(digits, std::to_chars(digits, std::end(digits), value).ptr);
  append(text);
  if (text.find_first_of(".e") == text.npos) append(".0");
}

Secret write_json(const JsonValue& value, JsonStyle style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.finish();
}

std::string json_quoted(std::string_view text) {
  return std::string(write_json(to_json(text)).reveal());
}

}  // namespace oci_oauth
