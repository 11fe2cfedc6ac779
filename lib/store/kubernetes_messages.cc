// SPDX-License-Identifier: Apache-2.0
#include "store/kubernetes_messages.h"

#include <algorithm>

#include "base/base64.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "fleet/record.h"

namespace oci_oauth::kubernetes {

namespace {

constexpr std::string_view shown = "its answer", login_suffix = "-login";
constexpr size_t longest_reason = 300, longest_name = 253;
constexpr long gone = 410;

// RFC 1123, as the names of objects are: kubernetes.io, "Object Names and IDs".
bool is_subdomain(std::string_view name) {
  const auto is_alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  char before = '.';
  for (const char c : name) {
    if (!is_alphanumeric(c) && c != '-' && c != '.') return false;
    if ((c == '.' && !is_alphanumeric(before)) || (c == '-' && before == '.')) return false;
    before = c;
  }
  return is_alphanumeric(before) && name.size() <= longest_name;
}

Result<SecretSight> read_object(const JsonValue& object) {
  SecretSight sight = {std::string(json_string_at(object, "/metadata/resourceVersion").value_or("")), {}, {}};
  if (sight.resource_version.empty()) return not_such();
  const JsonValue* const data = json_member(object, "data");
  if (data == nullptr || data->IsNull()) return sight;
  if (!data->IsObject()) return not_such();
  sight.has_data = true;
  const auto text = json_string(*data, "record");
  if (!text) return sight;
  auto bytes = from_base64(*text);
  if (!bytes) return not_such();
  sight.stored = counted(sight.resource_version, std::move(*bytes));
  return sight;
}

Error refused(const JsonValue& status) {
  return {ErrorKind::temporary,
          read_refusal(json_int(status, "code").value_or(0), write_json(status).reveal()).reason};
}

}  // namespace

Error not_such() {
  return {ErrorKind::temporary, "its answer is not one of the Kubernetes API's"};
}

Result<std::string> secret_name(std::string_view key) {
  const std::string_view profile = key.substr(key.rfind('/') + 1);
  const bool is_login = key == login_key(profile);
  if (!is_subdomain(profile) || profile.ends_with(login_suffix) || (!is_login && key != access_key(profile)))
    return Error::configuration(fmt::format(
        "profile '{}': cannot be in Kubernetes, where a name has lower case letters, digits, '-' and '.' "
        "only, and ours do not end in '{}'",
        profile, login_suffix));
  return fmt::format("oci-oauth-{}{}", profile, is_login ? login_suffix : "");
}

Result<SecretList> read_list(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || json_string(*json, "kind") != "SecretList") return not_such();
  SecretList list = {std::string(json_string_at(*json, "/metadata/resourceVersion").value_or("")), {}};
  if (list.resource_version.empty()) return not_such();
  const JsonValue* const items = json_member(*json, "items");
  if (items == nullptr || items->IsNull()) return list;
  if (!items->IsArray() || items->Size() > 1) return not_such();
  for (const JsonValue& item : items->GetArray()) list.found = TRY(read_object(item));
  return list;
}

Result<SecretSight> read_secret(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || json_string(*json, "kind") != "Secret") return not_such();
  return read_object(*json);
}

Result<std::vector<KeyChange>> read_event(std::string_view line, std::string_view key) {
  const auto json = parse_json(line, shown);
  if (json && json_string(*json, "kind") == "Status") return refused(*json);
  const JsonValue* const object = json ? json_member(*json, "object") : nullptr;
  if (object == nullptr || !object->IsObject()) return not_such();
  const auto type = json_string(*json, "type").value_or("");
  const bool is_removed = type == "DELETED";
  std::vector<KeyChange> changes;
  if (type == "BOOKMARK") return changes;
  if (type == "ERROR") return refused(*object);
  if (!is_removed && type != "ADDED" && type != "MODIFIED") return not_such();
  auto stored = is_removed ? std::nullopt : TRY(read_object(*object)).stored;
  changes.push_back({std::string(key), std::move(stored)});
  return changes;
}

Secret new_secret(std::string_view name, std::string_view bytes) {
  return Secret(
      fmt::format(R"({{"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{{"name":"{}",)"
                  R"("labels":{{"app.kubernetes.io/managed-by":"oci-oauth"}}}},"data":{{"record":"{}"}}}})",
                  name, base64(bytes)));
}

Secret patch(const SecretSight& there, std::string_view bytes) {
  std::vector<std::string> operations;
  const auto append = [&](const char* name, const char* path, const std::string& value) {
    operations.push_back(fmt::format(R"({{"op":"{}","path":"{}","value":{}}})", name, path, value));
  };
  const auto record = [](std::string_view text) { return fmt::format(R"("{}")", base64(text)); };
  if (!there.resource_version.empty())
    append("test", "/metadata/resourceVersion", json_quoted(there.resource_version));
  if (there.stored) append("test", "/data/record", record(there.stored->bytes));
  if (there.has_data) {
    append(there.stored ? "replace" : "add", "/data/record", record(bytes));
  } else {
    append("add", "/data", fmt::format(R"({{"record":{}}})", record(bytes)));
  }
  return Secret(fmt::format("[{}]", fmt::join(operations, ",")));
}

SecretSight sight_of(const Stored& stored) {
  return {stored.version.substr(0, stored.version.find('-')), true, stored};
}

Refusal read_refusal(long status, std::string_view text) {
  Refusal refusal = {fmt::format("answered {}", status)};
  if (status == gone) refusal.reason = "the changes since the last listing are gone";
  const auto json = parse_json(text, shown);
  if (!json) return refusal;
  if (const auto message = json_string(*json, "message"); message && !message->empty() && status != gone)
    refusal.reason = printable(first_line(*message), longest_reason);
  refusal.is_about_namespace = json_string_at(*json, "/details/kind") == "namespaces";
  const JsonValue* const causes = json_at(*json, "/details/causes");
  if (causes == nullptr || !causes->IsArray()) return refusal;
  refusal.is_about_value = std::any_of(causes->Begin(), causes->End(), [](const JsonValue& cause) {
    return json_string(cause, "reason").value_or("").starts_with("FieldValue");
  });
  return refusal;
}

}  // namespace oci_oauth::kubernetes
