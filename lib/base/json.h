// SPDX-License-Identifier: Apache-2.0
// The only file that knows RapidJSON: bounded depth, no duplicate keys, wiped memory, errors with line and
// column.
#pragma once

#include <malloc.h>
#include <string.h>

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#define RAPIDJSON_HAS_STDSTRING 1
#define RAPIDJSON_NO_THREAD_LOCAL_STORAGE 1
// It then reads whole aligned blocks of 16 bytes, which may extend beyond the text but not beyond its page.
// AddressSanitizer does not know that.
#if defined(__SANITIZE_ADDRESS__)
#define OCI_OAUTH_BYTE_BY_BYTE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OCI_OAUTH_BYTE_BY_BYTE 1
#endif
#endif
#if defined(__SSE2__) && !defined(OCI_OAUTH_BYTE_BY_BYTE)
#define RAPIDJSON_SSE2 1
#endif
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclass-memaccess"
#endif
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/pointer.h>
#pragma GCC diagnostic pop

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

// Heap memory that is overwritten before it is freed, because documents may contain tokens.
struct WipingAllocator {
  static constexpr bool kNeedFree = true;
  void* Malloc(size_t size) { return size == 0 ? nullptr : std::malloc(size); }
  void* Realloc(void* old, size_t old_size, size_t size) {
    void* grown = Malloc(size);
    if (old != nullptr && grown != nullptr) memcpy(grown, old, old_size < size ? old_size : size);
    Free(old);
    return grown;
  }
  static void Free(void* memory) {
    if (memory != nullptr) explicit_bzero(memory, malloc_usable_size(memory));
    std::free(memory);
  }
};

// A value owns all that is in it, and wipes it: none depends on another one.
using JsonValue = rapidjson::GenericValue<rapidjson::UTF8<>, WipingAllocator>;
using JsonDocument = JsonValue;

enum class JsonComments { refused, allowed };

constexpr unsigned json_max_depth = 64;

// Result: the document, whatever its root is. Failure (kind failed): "SOURCE:LINE:COLUMN: reason" for a text
// that is not one JSON value (RFC 8259), is nested deeper than json_max_depth, contains a number that does
// not fit into a double, is not valid UTF-8, or has a duplicate key. Half of a surrogate pair ("\ud800") is
// read as U+FFFD.
Result<JsonDocument> parse_json(std::string_view text, std::string_view source,
                                JsonComments comments = JsonComments::refused);

// For an answer that exists only once: the JSON value at the start of `text`, with any depth and encoding;
// text after it is ignored. Duplicate keys are all kept, in order. A number that does not fit into a double
// becomes a large one. Strings may contain halves of surrogate pairs. nullopt: `text` does not start with a
// complete JSON value.
std::optional<JsonDocument> parse_json_leniently(std::string_view text);

bool is_utf8(std::string_view text);  // RFC 3629: without halves of surrogate pairs

// The error for a parse that stopped at byte `offset` of `text`.
Error json_error(std::string_view text, size_t offset, std::string_view source, std::string_view reason);

// Typed access without recursion or conversion; nullopt if the member is missing or has another type.
const JsonValue* json_member(const JsonValue& object, std::string_view key);
std::optional<std::string_view> json_string(const JsonValue& object, std::string_view key);
std::optional<std::int64_t> json_int(const JsonValue& object, std::string_view key);
std::optional<std::uint64_t> json_uint(const JsonValue& object, std::string_view key);
std::optional<Time> json_time(const JsonValue& object, std::string_view key);  // milliseconds since the epoch
std::optional<bool> json_bool(const JsonValue& object, std::string_view key);

enum class JsonType { string, integer, object, array };
struct JsonField {
  std::string_view key;
  JsonType type;
};
// Failure: "SOURCE: is not an object", "SOURCE: /KEY: is not a string", for the first of `fields` that has
// another type in `object`. After success, the functions above fail only for missing members.
Result<void> check_types(const JsonValue& object, std::string_view source, std::span<const JsonField> fields);

inline std::string_view json_text(const JsonValue& string) {
  return {string.GetString(), string.GetStringLength()};
}

// JSON Pointers (RFC 6901) below a document: "/KEY", "/KEY/INDEX/...", never the document itself.
bool is_json_pointer(std::string_view text);
std::string last_key(std::string_view pointer);  // empty if it is not a pointer
const JsonValue* json_at(const JsonValue& document, std::string_view pointer);  // nullptr: nothing is there
void json_set_at(JsonValue& document, std::string_view pointer, JsonValue value);  // makes objects on the way

// Types that become JSON values; a record's own to_json is declared beside the record.
JsonValue json_object();
JsonValue json_array();
JsonValue json_copy(const JsonValue& value);
JsonValue to_json(std::string_view text);
JsonValue to_json(Time time);  // milliseconds since the epoch
JsonValue to_json(std::same_as<bool> auto value) {
  return JsonValue(value);
}
JsonValue to_json(std::integral auto value) {
  if constexpr (std::is_signed_v<decltype(value)>) {
    return JsonValue(std::int64_t{value});
  } else {
    return JsonValue(std::uint64_t{value});
  }
}
template <class T>
concept JsonElements =
    std::ranges::input_range<const T> && !std::convertible_to<const T&, std::string_view> &&
    !std::same_as<T, JsonValue>;
JsonValue to_json(const JsonElements auto& elements);
template <class T>
JsonValue to_json(const std::optional<T>& value) {  // null if there is none
  return value ? to_json(*value) : JsonValue();
}

// Sets object[key]; an existing key keeps its place.
void json_set(JsonValue& object, std::string_view key, JsonValue value);
void json_append(JsonValue& array, JsonValue value);

template <class T>
concept ConvertibleToJson = !std::same_as<std::remove_cvref_t<T>, JsonValue> && requires(const T& value) {
  to_json(value);
};
template <ConvertibleToJson T>
void json_set(JsonValue& object, std::string_view key, const T& value) {
  json_set(object, key, to_json(value));
}
template <ConvertibleToJson T>
void json_append(JsonValue& array, const T& value) {
  json_append(array, to_json(value));
}
JsonValue to_json(const JsonElements auto& elements) {
  JsonValue array = json_array();
  for (const auto& element : elements) json_append(array, to_json(element));
  return array;
}

// The same under their former signatures.
inline void json_set(JsonValue&, JsonValue& object, std::string_view key, JsonValue value) {
  json_set(object, key, std::move(value));
}
inline JsonValue json_copy(const JsonValue&, std::string_view text) {
  return to_json(text);
}
inline JsonValue time_value(Time time) {
  return to_json(time);
}

enum class JsonStyle { compact, indented };

// Result: the document as text; if indented, with two spaces and a final newline.
Secret write_json(const JsonValue& value, JsonStyle style = JsonStyle::compact);

// `text` as a JSON string, quotes included.
std::string json_quoted(std::string_view text);

}  // namespace oci_oauth
