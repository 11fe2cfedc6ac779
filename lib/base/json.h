// SPDX-License-Identifier: Apache-2.0
// JSON documents: read by the rules of json_reader.h, without duplicate keys, and wiped from memory.
#pragma once

#include <malloc.h>
#include <string.h>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclass-memaccess"
#endif
#include <rapidjson/document.h>
#pragma GCC diagnostic pop

#include "base/json_reader.h"
#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

// Heap memory that is overwritten before it is freed, because documents may contain tokens.
struct WipingAllocator {
  static constexpr bool kNeedFree = true;
  void* Malloc(size_t size) { return size == 0 ? nullptr : ::operator new(size); }
  void* Realloc(void* old, size_t old_size, size_t size) {
    void* grown = Malloc(size);
    if (old != nullptr && grown != nullptr) memcpy(grown, old, old_size < size ? old_size : size);
    Free(old);
    return grown;
  }
  static void Free(void* memory) {
    if (memory != nullptr) explicit_bzero(memory, malloc_usable_size(memory));
    ::operator delete(memory);
  }
};

// A value owns all that is in it, and wipes it: none depends on another one.
using JsonValue = rapidjson::GenericValue<rapidjson::UTF8<>, WipingAllocator>;
using JsonDocument = JsonValue;

// Result: the document, whatever its root is. Failure (kind failed): "SOURCE:LINE:COLUMN: reason" for text
// that is not one JSON value (RFC 8259) by `rules`, nests deeper than json_max_depth, holds a number beyond a
// double, is not UTF-8, or repeats a key in an object. The second half of a surrogate pair alone ("\udc00")
// is read as U+FFFD.
Result<JsonDocument> parse_json(std::string_view text, std::string_view source,
                                JsonRules rules = JsonRules::strict);

// For an answer that exists only once: the JSON value that `text` begins with, whatever its encoding; what
// follows it is ignored. What nests deeper than json_max_depth is null. A key that an object repeats is kept
// each time, in order. A number beyond a double is a large one. nullopt: `text` does not begin with a whole
// JSON value.
std::optional<JsonDocument> parse_json_leniently(std::string_view text);

// Typed access without recursion or conversion; nullopt if the member is missing or has another type.
const JsonValue* json_member(const JsonValue& object, std::string_view key);
inline JsonValue* json_member(JsonValue& object, std::string_view key) {
  return const_cast<JsonValue*>(json_member(std::as_const(object), key));
}
std::optional<std::string_view> json_string(const JsonValue& object, std::string_view key);
std::optional<std::int64_t> json_int(const JsonValue& object, std::string_view key);

inline std::string_view json_text(const JsonValue& string) {
  return {string.GetString(), string.GetStringLength()};
}
// Empty if it is not a string, or nothing.
inline std::string_view json_text(const JsonValue* value) {
  return value != nullptr && value->IsString() ? json_text(*value) : std::string_view();
}

using JsonPath = std::vector<std::string>;  // keys, and indices of arrays, from the root to a value

// A JSON Pointer (RFC 6901) to what is below a document, never the document itself; nullopt: it is not one.
std::optional<JsonPath> parse_json_pointer(std::string_view text);
inline bool is_json_pointer(std::string_view text) {
  return parse_json_pointer(text).has_value();
}
std::string json_pointer_step(std::string_view key);  // as a pointer spells it
std::string last_key(std::string_view pointer);       // empty if it is not a pointer

const JsonValue* json_at(const JsonValue& document, const JsonPath& path);  // nullptr: nothing is there
inline JsonValue* json_at(JsonValue& document, const JsonPath& path) {
  return const_cast<JsonValue*>(json_at(std::as_const(document), path));
}
const JsonValue* json_at(const JsonValue& document, std::string_view pointer);
std::optional<std::string_view> json_string_at(const JsonValue& document, std::string_view pointer);
// Makes the objects on the way, in place of what has no members.
void json_set_at(JsonValue& document, const JsonPath& path, JsonValue value);
void json_set_at(JsonValue& document, std::string_view pointer, JsonValue value);  // which must be one

// Types that become JSON values.
JsonValue json_object();
JsonValue json_array();
JsonValue json_copy(const JsonValue& value);
JsonValue to_json(std::string_view text);
JsonValue to_json(std::integral auto value) {
  if constexpr (std::same_as<decltype(value), bool>) {
    return JsonValue(value);
  } else if constexpr (std::is_signed_v<decltype(value)>) {
    return JsonValue(std::int64_t{value});
  } else {
    return JsonValue(std::uint64_t{value});
  }
}
template <class T>
concept JsonElements = std::ranges::input_range<const T> && !std::convertible_to<const T&, std::string_view>;
JsonValue to_json(const JsonElements auto& elements);
inline JsonValue to_json(JsonValue&& value) {
  return std::move(value);
}

// Sets object[key]; an existing key keeps its place.
void json_set(JsonValue& object, std::string_view key, JsonValue value);
void json_set(JsonValue& object, std::string_view key, auto&& value) {
  json_set(object, key, to_json(std::forward<decltype(value)>(value)));
}
void json_remove(JsonValue& object, std::string_view key);
void json_append(JsonValue& array, JsonValue value);

JsonValue to_json(const JsonElements auto& elements) {
  JsonValue array = json_array();
  for (const auto& element : elements) json_append(array, to_json(element));
  return array;
}

// A member of a new object.
struct JsonMemberValue {
  JsonMemberValue(std::string_view name, auto&& from)
      : key(name), value(to_json(std::forward<decltype(from)>(from))) {}
  std::string_view key;
  JsonValue value;
};
JsonValue json_object(std::initializer_list<JsonMemberValue> members);

enum class JsonStyle { compact, indented };

// JSON text as it grows, which is wiped at the end; indented: by two spaces. Whatever a text contains, what
// is written can be read again: a byte that is not UTF-8 becomes U+FFFD.
class JsonWriter {
 public:
  explicit JsonWriter(JsonStyle style) : style_(style) { text_.reserve(512); }
  ~JsonWriter() { wipe(text_); }

  void write(const JsonValue& value);
  Secret finish();  // if indented, with a final newline

 protected:
  void write_number(std::integral auto value) {
    char digits[24];
    append({digits, static_cast<size_t>(std::to_chars(digits, std::end(digits), value).ptr - digits)});
  }
  void write_text(std::string_view text);
  void write_key(std::string_view key);
  void next();
  void open(char bracket);
  void close(char bracket);
  void append(std::string_view text) { append_secret(text_, text); }

 private:
  void write_double(double value);
  void new_line();

  const JsonStyle style_;
  std::string text_;
  unsigned depth_ = 0;
  bool is_first_ = true;  // of its object or array
};

Secret write_json(const JsonValue& value, JsonStyle style = JsonStyle::compact);

// `text` as a JSON string, quotes included.
std::string json_quoted(std::string_view text);

}  // namespace oci_oauth
