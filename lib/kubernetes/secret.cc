// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/secret.h"

#include <algorithm>

#include "base/base64.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "fleet/record.h"

namespace oci_oauth::kubernetes {

namespace {

constexpr std::string_view shown = "its answer", member = "record", login_suffix = "-login";
constexpr size_t longest_reason = 300, longest_name = 253;
constexpr long gone = 410;

Error not_such() {
  return {ErrorKind::temporary, "its answer is not one of the Kubernetes API's"};
}

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
  const JsonValue* const metadata = json_member(object, "metadata");
  if (metadata == nullptr || !metadata->IsObject()) return not_such();
  SecretSight sight;
  sight.resource_version = json_string(*metadata, "resourceVersion").value_or("");
  if (sight.resource_version.empty()) return not_such();
  const JsonValue* const data = json_member(object, "data");
  if (data == nullptr || data->IsNull()) return sight;
  if (!data->IsObject()) return not_such();
  sight.has_data = true;
  const auto text = json_string(*data, member);
  if (!text) return sight;
  auto bytes = from_base64(*text);
  if (!bytes) return not_such();
  sight.stored = counted(sight.resource_version, std::move(*bytes));
  return sight;
}

JsonValue operation(const char* name, const char* path, JsonValue value) {
  JsonValue made = json_object({{"op", name}, {"path", path}});
  json_set(made, "value", std::move(value));
  return made;
}

}  // namespace

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
  if (!json || !json->IsObject() || json_string(*json, "kind") != "SecretList") return not_such();
  const JsonValue* const metadata = json_member(*json, "metadata");
  const JsonValue* const items = json_member(*json, "items");
  if (metadata == nullptr || !metadata->IsObject()) return not_such();
  SecretList list = {std::string(json_string(*metadata, "resourceVersion").value_or("")), std::nullopt};
  if (list.resource_version.empty()) return not_such();
  if (items == nullptr || items->IsNull()) return list;
  if (!items->IsArray() || items->Size() > 1) return not_such();
  for (const JsonValue& item : items->GetArray()) list.found = TRY(read_object(item));
  return list;
}

Result<SecretSight> read_secret(std::string_view text) {
  const auto json = parse_json(text, shown);
  if (!json || !json->IsObject() || json_string(*json, "kind") != "Secret") return not_such();
  return read_object(*json);
}

Result<SecretEvent> read_event(std::string_view line) {
  const auto json = parse_json(line, shown);
  if (json && json->IsObject() && json_string(*json, "kind") == "Status")
    return Error{ErrorKind::temporary, read_refusal(json_int(*json, "code").value_or(0), line).reason};
  const JsonValue* const object = json && json->IsObject() ? json_member(*json, "object") : nullptr;
  if (object == nullptr || !object->IsObject()) return not_such();
  const auto type = json_string(*json, "type").value_or("");
  if (type == "BOOKMARK") return SecretEvent();
  if (type == "DELETED") return SecretEvent{true, std::nullopt};
  if (type == "ADDED" || type == "MODIFIED") return SecretEvent{true, TRY(read_object(*object)).stored};
  if (type != "ERROR") return not_such();
  return Error{ErrorKind::temporary,
               read_refusal(json_int(*object, "code").value_or(0), write_json(*object).reveal()).reason};
}

Secret new_secret(std::string_view name, std::string_view bytes) {
  JsonValue metadata = json_object({{"name", name}});
  json_set(metadata, "labels", json_object({{"app.kubernetes.io/managed-by", "oci-oauth"}}));
  JsonValue secret = json_object({{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}});
  json_set(secret, "metadata", std::move(metadata));
  json_set(secret, "data", json_object({{member, base64(bytes)}}));
  return write_json(secret);
}

Secret patch(const SecretSight& there, std::string_view bytes) {
  JsonValue operations = json_array();
  const auto append = [&](const char* name, const char* path, JsonValue value) {
    json_append(operations, operation(name, path, std::move(value)));
  };
  const auto text = [](std::string_view value) { return to_json(value); };
  if (!there.resource_version.empty())
    append("test", "/metadata/resourceVersion", text(there.resource_version));
  if (there.stored) append("test", "/data/record", text(base64(there.stored->bytes)));
  if (there.has_data) {
    append(there.stored ? "replace" : "add", "/data/record", text(base64(bytes)));
  } else {
    append("add", "/data", json_object({{member, base64(bytes)}}));
  }
  return write_json(operations);
}

SecretSight sight_of(const Stored& stored) {
  return {stored.version.substr(0, stored.version.find('-')), true, stored};
}

Refusal read_refusal(long status, std::string_view text) {
  Refusal refusal = {fmt::format("answered {}", status)};
  if (status == gone) refusal.reason = "the changes since the last listing are gone";
  const auto json = parse_json(text, shown);
  if (!json || !json->IsObject()) return refusal;
  if (const auto message = json_string(*json, "message"); message && !message->empty() && status != gone)
    refusal.reason = printable(message->substr(0, message->find('\n')), longest_reason);
  const JsonValue* const details = json_member(*json, "details");
  if (details == nullptr || !details->IsObject()) return refusal;
  refusal.is_about_namespace = json_string(*details, "kind") == "namespaces";
  const JsonValue* const causes = json_member(*details, "causes");
  if (causes == nullptr || !causes->IsArray()) return refusal;
  refusal.is_about_value = std::any_of(causes->Begin(), causes->End(), [](const JsonValue& cause) {
    return cause.IsObject() && json_string(cause, "reason").value_or("").starts_with("FieldValue");
  });
  return refusal;
}

}  // namespace oci_oauth::kubernetes
