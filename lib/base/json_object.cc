// SPDX-License-Identifier: Apache-2.0
#include "base/json_object.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/path.h"

namespace oci_oauth {

Error configuration_error(std::string_view source, std::string_view pointer, std::string_view reason) {
  return {ErrorKind::configuration,
          fmt::format("{}: {}: {}", source, pointer.empty() ? "/" : pointer, reason)};
}

Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source, JsonRules::comments);
  if (!json) json.error().kind = ErrorKind::configuration;
  return json;
}

namespace {

Result<void> read_path(std::string_view text, std::string& target) {
  std::string normalised;
  if (!normalise_path(text, normalised)) {
    return Error{ErrorKind::configuration, fmt::format("'{}' is not an absolute path without '..'", text)};
  }
  target = std::move(normalised);
  return {};
}

}  // namespace

JsonObject::JsonObject(const JsonValue& value, std::string source, std::string pointer)
    : value_(value), source_(std::move(source)), pointer_(std::move(pointer)) {
  if (!value_.IsObject()) keep(configuration_error(source_, pointer_, "is not an object"));
}

void JsonObject::keep(Error error) {
  if (first_) first_ = std::move(error);
}

void JsonObject::fail(std::string_view key, std::string_view reason) {
  keep(configuration_error(source_, at(key), reason));
}

const JsonValue* JsonObject::take(std::string_view key) {
  known_.emplace_back(key);
  return json_member(value_, key);
}

void JsonObject::string(std::string_view key, std::string& target) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsString() || value->GetStringLength() == 0) return fail(key, "is not a non-empty string");
  if (json_text(*value).find('\0') != std::string_view::npos) return fail(key, "contains a NUL character");
  target = json_text(*value);
}

void JsonObject::boolean(std::string_view key, bool& target) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsBool()) return fail(key, "is neither true nor false");
  target = value->GetBool();
}

void JsonObject::strings(std::string_view key, std::vector<std::string>& target) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsArray()) return fail(key, "is not an array of strings");
  target.clear();
  for (const JsonValue& element : value->GetArray()) {
    if (!element.IsString()) return fail(key, "is not an array of strings");
    if (json_text(element).find('\0') != std::string_view::npos) return fail(key, "contains a NUL character");
    target.emplace_back(json_text(element));
  }
}

void JsonObject::path(std::string_view key, std::string& target) {
  text(key, [&](std::string_view value) { return read_path(value, target); });
}

void JsonObject::paths(std::string_view key, std::vector<std::string>& target) {
  const JsonValue* value = json_member(value_, key);
  if (value == nullptr || !value->IsArray()) {
    std::string one;
    path(key, one);
    if (!one.empty()) target = {std::move(one)};
    return;
  }
  strings(key, target);
  if (!first_) return;
  if (target.empty()) return fail(key, "is an empty array");
  for (std::string& one : target) {
    if (auto read = read_path(one, one); !read) return fail(key, read.error().message);
  }
}

void JsonObject::duration(std::string_view key, Milliseconds& target) {
  text(key, [&](std::string_view value) -> Result<void> {
    auto duration = TRY(parse_duration(value));
    target = duration;
    return {};
  });
}

void JsonObject::text(std::string_view key, const std::function<Result<void>(std::string_view)>& convert) {
  std::string value;
  const bool present = json_member(value_, key) != nullptr;
  string(key, value);
  if (!present || !first_) return;
  if (auto converted = convert(value); !converted) fail(key, converted.error().message);
}

void JsonObject::members(
    std::string_view key,
    const std::function<Result<void>(std::string_view, const JsonValue&, const std::string&)>& read) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsObject()) return fail(key, "is not an object");
  for (const auto& member : value->GetObject()) {
    const std::string_view name = json_text(member.name);
    if (auto done = read(name, member.value, fmt::format("{}/{}", at(key), name)); !done)
      keep(std::move(done).error());
  }
}

void JsonObject::elements(std::string_view key,
                          const std::function<Result<void>(const JsonValue&, const std::string&)>& read) {
  const JsonValue* value = take(key);
  if (value == nullptr) return;
  if (!value->IsArray()) return fail(key, "is not an array");
  unsigned index = 0;
  for (const JsonValue& element : value->GetArray()) {
    if (auto done = read(element, fmt::format("{}/{}", at(key), index++)); !done)
      keep(std::move(done).error());
  }
}

void JsonObject::require(std::string_view key) {
  if (value_.IsObject() && json_member(value_, key) == nullptr) fail(key, "is missing");
}

Result<void> JsonObject::finish() {
  if (!first_) return std::move(first_).error();
  for (const auto& member : value_.GetObject()) {
    const std::string_view name = json_text(member.name);
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    return configuration_error(source_, at(name), "is not a known key")
        .with_hint(fmt::format("known keys: {}", fmt::join(known_, ", ")));
  }
  return {};
}

}  // namespace oci_oauth
