// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

using rapidjson::SizeType;

WipingAllocator allocator;  // without a state

JsonValue text_value(std::string_view text) {
  return {text.empty() ? "" : text.data(), static_cast<SizeType>(text.size()), allocator};
}

// The next half of a surrogate pair, which "\\udc00" can spell but UTF-8 must not contain (RFC 3629 section
// 3); npos if there is none.
size_t find_lone_surrogate(std::string_view text, size_t from = 0) {
  while ((from = text.find('\xed', from)) != std::string_view::npos) {
    if (from + 1 < text.size() && static_cast<unsigned char>(text[from + 1]) >= 0xa0) return from;
    ++from;
  }
  return from;
}

// Replaces each by U+FFFD, which has the same length in UTF-8, so that the text can be written and read
// again. Rarely called, and therefore kept out of the parser, so that the compiler inlines more important
// code.
[[gnu::cold, gnu::noinline]] Secret without_lone_surrogates(std::string_view text) {
  std::string readable(text);
  for (size_t at = 0; (at = find_lone_surrogate(readable, at)) != std::string::npos;)
    readable.replace(at, 3, "\xef\xbf\xbd");
  return Secret(std::move(readable));
}

bool is_well_formed(std::string_view text) {
  return find_lone_surrogate(text) == std::string_view::npos;
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
  std::sort(keys.begin(), keys.end(), by_length);
  const auto twin = std::adjacent_find(keys.begin(), keys.end(), same);
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
    const char* const end = text.data() + text.size();
    const bool is_negative = text.starts_with('-');
    std::int64_t negative = 0;
    std::uint64_t positive = 0;
    const auto read = is_negative ? std::from_chars(text.data(), end, negative)
                                  : std::from_chars(text.data(), end, positive);
    if (read.ec == std::errc() && read.ptr == end)
      return is_negative ? JsonValue(negative) : JsonValue(positive);
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

std::optional<size_t> array_index(std::string_view step) {
  size_t index = 0;
  const char* const end = step.data() + step.size();
  const auto read = std::from_chars(step.data(), end, index);
  const bool is_index = read.ec == std::errc() && read.ptr == end && (step == "0" || step[0] != '0');
  return is_index ? std::optional(index) : std::nullopt;
}

namespace {

const JsonValue* find_step(const JsonValue& value, const std::string& step) {
  if (!value.IsArray()) return json_member(value, step);
  const auto index = array_index(step);
  return index && *index < value.Size() ? &value[static_cast<SizeType>(*index)] : nullptr;
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
  if (is_well_formed(text)) return text_value(text);
  return to_json(without_lone_surrogates(text).reveal());
}

JsonValue to_json(Time time) {
  return JsonValue(std::int64_t{time.time_since_epoch().count()});
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

Secret write_json(const JsonValue& value, JsonStyle style) {
  using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, WipingAllocator>;
  Buffer buffer;
  if (style == JsonStyle::compact) {
    rapidjson::Writer<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, WipingAllocator> writer(buffer);
    value.Accept(writer);
  } else {
    rapidjson::PrettyWriter<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, WipingAllocator> writer(buffer);
    writer.SetIndent(' ', 2);
    value.Accept(writer);
    buffer.Put('\n');
  }
  return Secret(std::string_view(buffer.GetString(), buffer.GetSize()));
}

std::string json_quoted(std::string_view text) {
  return std::string(write_json(to_json(text)).reveal());
}

}  // namespace oci_oauth
