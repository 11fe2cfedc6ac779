// SPDX-License-Identifier: Apache-2.0
#include "store/etcd_messages.h"

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

std::int64_t number_at(const JsonValue& json, std::string_view pointer) {
  return number_in<std::int64_t>(json_string_at(json, pointer).value_or("")).value_or(0);
}

bool is_true_at(const JsonValue& json, std::string_view pointer) {
  const JsonValue* const value = json_at(json, pointer);
  return value != nullptr && value->IsTrue();
}

std::optional<KeyChange> read_entry(const JsonValue& kv) {
  auto key = from_base64(json_string(kv, "key").value_or("")),
       value = from_base64(json_string(kv, "value").value_or(""));
  if (!key || !value || key->empty()) return std::nullopt;
  const auto revision = number_at(kv, "/mod_revision");
  return KeyChange{std::move(*key), counted(std::to_string(revision), std::move(*value))};
}

std::optional<KeyChange> read_event(const JsonValue& event) {
  const JsonValue* const kv = json_member(event, "kv");
  auto entry = kv != nullptr ? read_entry(*kv) : std::nullopt;
  if (entry && json_string(event, "type") == "DELETE") entry->stored.reset();
  return entry;
}

// The elements of an array; none if there is no such array.
Result<std::vector<KeyChange>> read_each(const JsonValue& json, std::string_view pointer,
                                         std::optional<KeyChange> (*read)(const JsonValue&)) {
  std::vector<KeyChange> changes;
  const JsonValue* const array = json_at(json, pointer);
  if (array == nullptr) return changes;
  if (!array->IsArray()) return not_such();
  for (const JsonValue& element : array->GetArray()) {
    auto change = read(element);
    if (!change) return not_such();
    changes.push_back(std::move(*change));
  }
  return changes;
}

}  // namespace

Error not_such() {
  return {ErrorKind::temporary, "its answer is not one of etcd's"};
}

std::string range_end(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();  // our keys are ASCII
  return end;
}

Secret range_request(std::string_view key, std::string_view end) {
  return Secret(fmt::format(R"({{"key":"{}","range_end":"{}"}})", base64(key), base64(end)));
}

Secret put_if_request(std::string_view key, std::string_view bytes, const std::optional<Stored>& expected) {
  const std::string target = expected ? fmt::format(R"("VALUE","value":"{}")", base64(expected->bytes))
                                      : R"("CREATE","create_revision":"0")";
  return Secret(fmt::format(R"({{"compare":[{{"key":"{0}","result":"EQUAL","target":{1}}}],)"
                            R"("success":[{{"request_put":{{"key":"{0}","value":"{2}"}}}}]}})",
                            base64(key), target, base64(bytes)));
}

Secret watch_request(std::string_view key, std::string_view end, std::int64_t first_revision) {
  return Secret(fmt::format(R"({{"create_request":{{"key":"{}","range_end":"{}","start_revision":"{}"}}}})",
                            base64(key), base64(end), first_revision));
}

Result<Listing> read_range(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || number_at(*json, "/header/revision") <= 0) return not_such();
  return Listing{TRY(read_each(*json, "/kvs", read_entry)),
                 std::to_string(number_at(*json, "/header/revision"))};
}

Result<bool> read_put_if(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || number_at(*json, "/header/revision") <= 0) return not_such();
  return is_true_at(*json, "/succeeded");
}

Result<std::vector<KeyChange>> read_watch(std::string_view line) {
  const auto json = parse_json(line, shown);
  if (!json) return not_such();
  if (const JsonValue* const result = json_member(*json, "result"); result == nullptr || !result->IsObject())
    return Error{ErrorKind::temporary, read_refusal(0, line).reason};
  if (!is_true_at(*json, "/result/canceled")) return read_each(*json, "/result/events", read_event);
  const auto reason = json_string_at(*json, "/result/cancel_reason").value_or("");
  const bool is_compacted = number_at(*json, "/result/compact_revision") > 0;
  return Error{ErrorKind::temporary, is_compacted     ? "the changes since the last listing were compacted"
                                     : reason.empty() ? "the watch was canceled"
                                                      : printable(reason, longest_reason)};
}

// {"error", "code", "message"}; of a stream, {"error": {"grpc_code", "message"}}.
Refusal read_refusal(long status, std::string_view text) {
  Refusal refusal = {status == 0 ? not_such().message : fmt::format("answered {}", status)};
  const auto json = parse_json(text, shown);
  if (!json) return refusal;
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
