// SPDX-License-Identifier: Apache-2.0
#include "etcd/gateway.h"

#include <charconv>

#include "base/base64.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"

namespace oci_oauth::etcd {

namespace {

constexpr std::string_view shown = "its answer";
constexpr size_t longest_reason = 200;

// The status codes of gRPC that say that nothing happened.
enum Code { invalid_argument = 3, permission_denied = 7, resource_exhausted = 8, unauthenticated = 16 };

Error not_such() {
  return {ErrorKind::temporary, "its answer is not one of etcd's"};
}

std::int64_t number(const JsonValue& object, std::string_view key) {
  const auto text = json_string(object, key).value_or("");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

bool is_true(const JsonValue& object, std::string_view key) {
  const JsonValue* const member = json_member(object, key);
  return member != nullptr && member->IsBool() && member->GetBool();
}

std::optional<std::string> bytes(const JsonValue& object, std::string_view key) {
  return from_base64(json_string(object, key).value_or(""));
}

std::optional<KeyChange> read_entry(const JsonValue& kv) {
  auto key = bytes(kv, "key"), value = bytes(kv, "value");
  if (!key || !value || key->empty()) return std::nullopt;
  return KeyChange{std::move(*key), counted(std::to_string(number(kv, "mod_revision")), std::move(*value))};
}

std::int64_t revision_of(const JsonValue& answer) {
  const JsonValue* const header = json_member(answer, "header");
  return header != nullptr && header->IsObject() ? number(*header, "revision") : 0;
}

// The elements of an array; none if there is no such array.
template <class Each>
bool for_each(const JsonValue& object, std::string_view key, const Each& each) {
  const JsonValue* const array = json_member(object, key);
  if (array == nullptr) return true;
  if (!array->IsArray()) return false;
  for (const JsonValue& element : array->GetArray()) {
    if (!element.IsObject() || !each(element)) return false;
  }
  return true;
}

JsonValue range_of(std::string_view key, std::string_view end) {
  JsonValue range = json_object({{"key", base64(key)}});
  if (!end.empty()) json_set(range, "range_end", base64(end));
  return range;
}

JsonValue only(JsonValue element) {
  JsonValue array = json_array();
  json_append(array, std::move(element));
  return array;
}

}  // namespace

std::string range_end(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();  // our keys are ASCII
  return end;
}

Secret range_request(std::string_view key, std::string_view end) {
  return write_json(range_of(key, end));
}

Secret put_if_request(std::string_view key, std::string_view bytes, const std::optional<Stored>& expected) {
  JsonValue compare = json_object({{"key", base64(key)}, {"result", "EQUAL"}});
  if (expected) {
    json_set(compare, "target", "VALUE");
    json_set(compare, "value", base64(expected->bytes));
  } else {
    json_set(compare, "target", "CREATE");
    json_set(compare, "create_revision", "0");
  }
  JsonValue put =
      json_object({{"request_put", json_object({{"key", base64(key)}, {"value", base64(bytes)}})}});
  return write_json(json_object({{"compare", only(std::move(compare))}, {"success", only(std::move(put))}}));
}

Secret watch_request(std::string_view key, std::string_view end, std::int64_t first_revision) {
  JsonValue create = range_of(key, end);
  json_set(create, "start_revision", std::to_string(first_revision));
  return write_json(json_object({{"create_request", std::move(create)}}));
}

Result<RangeAnswer> read_range(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || !json->IsObject()) return not_such();
  RangeAnswer answer = {revision_of(*json), {}};
  const bool is_read = for_each(*json, "kvs", [&](const JsonValue& kv) {
    auto entry = read_entry(kv);
    if (entry) answer.entries.push_back(std::move(*entry));
    return entry.has_value();
  });
  if (answer.revision <= 0 || !is_read) return not_such();
  return answer;
}

Result<bool> read_put_if(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || !json->IsObject() || revision_of(*json) <= 0) return not_such();
  return is_true(*json, "succeeded");
}

Result<WatchAnswer> read_watch(std::string_view line) {
  const auto json = parse_json(line, shown);
  if (!json || !json->IsObject()) return not_such();
  const JsonValue* const result = json_member(*json, "result");
  if (result == nullptr || !result->IsObject())
    return Error{ErrorKind::temporary, read_refusal(0, line).reason};
  if (is_true(*result, "canceled")) {
    const auto reason = json_string(*result, "cancel_reason").value_or("");
    const bool is_compacted = number(*result, "compact_revision") > 0;
    return Error{ErrorKind::temporary, is_compacted     ? "the changes since the last listing were compacted"
                                       : reason.empty() ? "the watch was canceled"
                                                        : printable(reason, longest_reason)};
  }
  WatchAnswer answer = {is_true(*result, "created"), {}};
  const bool is_read = for_each(*result, "events", [&](const JsonValue& event) {
    const JsonValue* const kv = json_member(event, "kv");
    if (kv == nullptr || !kv->IsObject()) return false;
    auto entry = read_entry(*kv);
    if (!entry) return false;
    if (json_string(event, "type") == "DELETE") entry->stored.reset();
    answer.changes.push_back(std::move(*entry));
    return true;
  });
  if (!is_read) return not_such();
  return answer;
}

// {"error", "code", "message"}; of a stream, {"error": {"grpc_code", "message"}}.
Refusal read_refusal(long status, std::string_view text) {
  Refusal refusal = {fmt::format("answered {}", status), false};
  if (status == 0) refusal.reason = not_such().message;
  const auto json = parse_json(text, shown);
  if (!json || !json->IsObject()) return refusal;
  const JsonValue* const nested = json_member(*json, "error");
  const JsonValue& error = nested != nullptr && nested->IsObject() ? *nested : *json;
  const auto message =
      json_string(error, "message") ? json_string(error, "message") : json_string(error, "error");
  if (message) refusal.reason = printable(*message, longest_reason);
  const auto code = json_int(error, "code").value_or(0);
  refusal.is_certain = code == invalid_argument || code == permission_denied || code == resource_exhausted ||
                       code == unauthenticated;
  return refusal;
}

}  // namespace oci_oauth::etcd
