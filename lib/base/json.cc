// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

using rapidjson::SizeType;
using RapidDocument = rapidjson::GenericDocument<rapidjson::UTF8<>, WipingAllocator, WipingAllocator>;
using RapidPointer = rapidjson::GenericPointer<JsonValue>;

WipingAllocator allocator;  // without a state

constexpr std::string_view too_deep = "nested deeper than 64 levels", too_large = "a number is too large";
static_assert(json_max_depth == 64);

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

// Passes events on to the document. Stops before the recursive parser could exhaust the stack, and at values
// that could not be written again.
class Guard {
 public:
  Guard(RapidDocument& document, std::string_view text)
      : document_(document), may_spell_halves_(text.find("\\u") != std::string_view::npos) {}

  std::string_view refusal() const { return refusal_; }  // why it stopped; empty: it did not

  bool Null() { return document_.Null(); }
  bool Bool(bool value) { return document_.Bool(value); }
  bool Int(int value) { return document_.Int(value); }
  bool Uint(unsigned value) { return document_.Uint(value); }
  bool Int64(int64_t value) { return document_.Int64(value); }
  bool Uint64(uint64_t value) { return document_.Uint64(value); }
  bool Double(double value) { return std::isfinite(value) ? document_.Double(value) : refuse(too_large); }
  bool RawNumber(const char* text, SizeType size, bool copy) { return document_.RawNumber(text, size, copy); }
  bool String(const char* text, SizeType size, bool copy) {
    if (!may_spell_halves_) return document_.String(text, size, copy);
    return document_.String(without_lone_surrogates({text, size}).reveal().data(), size, true);
  }
  bool Key(const char* text, SizeType size, bool copy) {
    if (!may_spell_halves_) return document_.Key(text, size, copy);
    return document_.Key(without_lone_surrogates({text, size}).reveal().data(), size, true);
  }
  bool StartObject() { return descend() && document_.StartObject(); }
  bool StartArray() { return descend() && document_.StartArray(); }
  bool EndObject(SizeType count) { return --depth_, document_.EndObject(count); }
  bool EndArray(SizeType count) { return --depth_, document_.EndArray(count); }

 private:
  bool refuse(std::string_view why) {
    refusal_ = why;
    return false;
  }
  bool descend() { return ++depth_ <= json_max_depth || refuse(too_deep); }

  RapidDocument& document_;
  // The reader validates unescaped text; only an escape can spell half of a pair.
  const bool may_spell_halves_;
  unsigned depth_ = 0;
  std::string_view refusal_;
};

template <unsigned flags>
rapidjson::ParseResult populate(JsonValue& value, std::string_view text, std::string_view& refusal) {
  RapidDocument document;
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  WipingJsonReader reader;
  rapidjson::ParseResult result;
  auto generate = [&](RapidDocument& target) {
    Guard guard(target, text);
    result = reader.Parse<flags>(stream, guard);
    refusal = guard.refusal();
    // RapidJSON takes a NUL for the end of the text.
    if (!result.IsError() && bytes.Tell() < text.size())
      result.Set(rapidjson::kParseErrorDocumentRootNotSingular, bytes.Tell());
    return !result.IsError();
  };
  document.Populate(generate);
  value = std::move(static_cast<JsonValue&>(document));
  return result;
}

// The first duplicate key of an object in `value`, or nullptr. Parsers disagree about which value counts.
const JsonValue* repeated_key(const JsonValue& value) {
  if (value.IsArray()) {
    for (const JsonValue& element : value.GetArray()) {
      if (const JsonValue* key = repeated_key(element)) return key;
    }
  }
  if (!value.IsObject()) return nullptr;
  std::vector<const JsonValue*> keys;
  keys.reserve(value.MemberCount());
  for (const auto& member : value.GetObject()) {
    keys.push_back(&member.name);
    if (const JsonValue* key = repeated_key(member.value)) return key;
  }
  const auto by_length = [](const JsonValue* a, const JsonValue* b) {
    return std::pair(a->GetStringLength(), json_text(*a)) < std::pair(b->GetStringLength(), json_text(*b));
  };
  const auto same = [](const JsonValue* a, const JsonValue* b) { return json_text(*a) == json_text(*b); };
  std::sort(keys.begin(), keys.end(), by_length);
  const auto twin = std::adjacent_find(keys.begin(), keys.end(), same);
  return twin == keys.end() ? nullptr : *twin;
}

}  // namespace

Error json_error(std::string_view text, size_t offset, std::string_view source, std::string_view reason) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n');
  const size_t column = 1 + before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1);
  return {ErrorKind::failed, fmt::format("{}:{}:{}: {}", source, line, column, reason)};
}

Result<JsonDocument> parse_json(std::string_view text, std::string_view source, JsonComments comments) {
  // Without full precision: with it, RapidJSON 1.1.0 reads beyond its table of powers of ten for some
  // exponents, which an attacker may choose. Numbers of up to 15 digits are exact in any case.
  constexpr unsigned strict = rapidjson::kParseValidateEncodingFlag;
  if (text.empty()) return Error{ErrorKind::failed, fmt::format("{}: is empty", source)};
  JsonDocument document;
  std::string_view refusal;
  const auto result = comments == JsonComments::allowed
                          ? populate<strict | rapidjson::kParseCommentsFlag>(document, text, refusal)
                          : populate<strict>(document, text, refusal);
  if (!refusal.empty()) return json_error(text, result.Offset(), source, refusal);
  if (result.IsError()) {
    std::string reason = rapidjson::GetParseError_En(result.Code());
    if (reason.ends_with('.')) reason.pop_back();
    if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z')
      reason[0] = static_cast<char>(reason[0] + 32);
    return json_error(text, result.Offset(), source, "not JSON: " + reason);
  }
  if (const JsonValue* key = repeated_key(document)) {
    return Error{ErrorKind::failed, fmt::format("{}: duplicate key '{}'", source, json_text(*key))};
  }
  return document;
}

namespace {

// Replaces the number at `at`, which is too large for a double, by the largest one that fits into its place.
void shrink_number(std::string& text, size_t at) {
  const size_t end = std::min(text.find_first_not_of("+-.0123456789eE", at), text.size());
  const std::string_view largest = text[at] == '-' ? "-9e307" : "9e307";
  text.replace(at, end - at, std::string(largest) + std::string(end - at - largest.size(), ' '));
}

// Passes events on to the document; what nests deeper than that becomes null.
class Shallow {
 public:
  explicit Shallow(RapidDocument& document) : document_(document) {}

  bool Null() { return is_deep() || document_.Null(); }
  bool Bool(bool value) { return is_deep() || document_.Bool(value); }
  bool Int(int value) { return is_deep() || document_.Int(value); }
  bool Uint(unsigned value) { return is_deep() || document_.Uint(value); }
  bool Int64(int64_t value) { return is_deep() || document_.Int64(value); }
  bool Uint64(uint64_t value) { return is_deep() || document_.Uint64(value); }
  bool Double(double value) { return is_deep() || document_.Double(value); }
  bool RawNumber(const char* text, SizeType size, bool copy) {
    return is_deep() || document_.RawNumber(text, size, copy);
  }
  bool String(const char* text, SizeType size, bool copy) {
    return is_deep() || document_.String(text, size, copy);
  }
  bool Key(const char* text, SizeType size, bool copy) {
    return is_deep() || document_.Key(text, size, copy);
  }
  bool StartObject() { return ++depth_ > json_max_depth || document_.StartObject(); }
  bool StartArray() { return ++depth_ > json_max_depth || document_.StartArray(); }
  bool EndObject(SizeType count) {
    if (depth_-- > json_max_depth) return depth_ > json_max_depth || document_.Null();
    return document_.EndObject(count);
  }
  bool EndArray(SizeType count) {
    if (depth_-- > json_max_depth) return depth_ > json_max_depth || document_.Null();
    return document_.EndArray(count);
  }

 private:
  bool is_deep() const { return depth_ > json_max_depth; }

  RapidDocument& document_;
  unsigned depth_ = 0;
};

}  // namespace

std::optional<JsonDocument> parse_json_leniently(std::string_view text) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag;
  std::string readable(text);
  while (true) {
    RapidDocument document;
    rapidjson::MemoryStream bytes(readable.data(), readable.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    WipingJsonReader reader;
    rapidjson::ParseResult result;
    auto generate = [&](RapidDocument& target) {
      Shallow shallow(target);
      result = reader.Parse<flags>(stream, shallow);
      return !result.IsError();
    };
    document.Populate(generate);
    if (result.Code() != rapidjson::kParseErrorNumberTooBig) wipe(readable);
    if (!result.IsError()) return std::move(static_cast<JsonValue&>(document));
    if (result.Code() != rapidjson::kParseErrorNumberTooBig) return std::nullopt;
    shrink_number(readable, result.Offset());
  }
}

bool is_utf8(std::string_view text) {
  struct Nowhere {
    void Put(char) {}
  } nowhere;
  rapidjson::MemoryStream bytes(text.data(), text.size());
  while (bytes.Tell() < text.size()) {
    if (!rapidjson::UTF8<>::Validate(bytes, nowhere)) return false;
  }
  return true;
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

std::optional<std::uint64_t> json_uint(const JsonValue& object, std::string_view key) {
  const JsonValue* value = json_member(object, key);
  if (value == nullptr || !value->IsUint64()) return std::nullopt;
  return value->GetUint64();
}

std::optional<Time> json_time(const JsonValue& object, std::string_view key) {
  const auto value = json_int(object, key);
  if (!value) return std::nullopt;
  return Time(Milliseconds(*value));
}

std::optional<bool> json_bool(const JsonValue& object, std::string_view key) {
  const JsonValue* value = json_member(object, key);
  if (value == nullptr || !value->IsBool()) return std::nullopt;
  return value->GetBool();
}

namespace {

bool is_of_type(const JsonValue& value, JsonType type) {
  switch (type) {
    case JsonType::string:
      return value.IsString();
    case JsonType::integer:
      return value.IsInt64() || value.IsUint64();
    case JsonType::object:
      return value.IsObject();
    case JsonType::array:
      return value.IsArray();
  }
  return false;
}

std::string_view name_of(JsonType type) {
  constexpr std::array<std::string_view, 4> names = {"a string", "an integer", "an object", "an array"};
  return names[static_cast<size_t>(type)];
}

}  // namespace

Result<void> check_types(const JsonValue& object, std::string_view source,
                         std::span<const JsonField> fields) {
  if (!object.IsObject()) return Error{ErrorKind::failed, fmt::format("{}: is not an object", source)};
  for (const auto& [key, type] : fields) {
    const JsonValue* value = json_member(object, key);
    if (value == nullptr || is_of_type(*value, type)) continue;
    return Error{ErrorKind::failed, fmt::format("{}: /{}: is not {}", source, key, name_of(type))};
  }
  return {};
}

bool is_json_pointer(std::string_view text) {
  return text.starts_with('/') && RapidPointer(text.data(), text.size()).IsValid();
}

std::string last_key(std::string_view pointer) {
  if (!is_json_pointer(pointer)) return "";
  const RapidPointer parsed(pointer.data(), pointer.size());
  const auto& token = parsed.GetTokens()[parsed.GetTokenCount() - 1];
  return {token.name, token.length};
}

const JsonValue* json_at(const JsonValue& document, std::string_view pointer) {
  return is_json_pointer(pointer) ? RapidPointer(pointer.data(), pointer.size()).Get(document) : nullptr;
}

void json_set_at(JsonValue& document, std::string_view pointer, JsonValue value) {
  RapidPointer(pointer.data(), pointer.size()).Set(document, value, allocator);
}

JsonValue json_object() {
  return JsonValue(rapidjson::kObjectType);
}

JsonValue json_array() {
  return JsonValue(rapidjson::kArrayType);
}

JsonValue json_copy(const JsonValue& value) {
  return {value, allocator};
}

JsonValue to_json(std::string_view text) {
  if (is_well_formed(text)) return {text.data(), static_cast<SizeType>(text.size()), allocator};
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
