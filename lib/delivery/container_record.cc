// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_record.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/fmt.h"
#include "base/json.h"
#include "oci/state.h"

namespace oci_oauth {

namespace {

constexpr std::int64_t version = 2;
constexpr std::array<std::string_view, 3> states = {"planned", "delivered", "failed"};

JsonValue file_value(JsonDocument& json, const WrittenFile& file) {
  JsonValue value = json_object();
  json_set(json, value, "name", json_copy(json, file.name));
  if (!file.member.empty()) {
    json_set(json, value, "member", json_copy(json, file.member));
    json_set(json, value, "access_token", json_copy(json, file.access_token));
    json_set(json, value, "refresh_token", json_copy(json, file.refresh_token));
  }
  if (file.was_there) json_set(json, value, "was_there", JsonValue(true));
  json_set(json, value, "sha256", to_json(file.fingerprints));
  return value;
}

void set_written(JsonDocument& json, JsonValue& value, const DeliveryRecord& delivery) {
  json_set(json, value, "source", json_copy(json, delivery.source));
  json_set(json, value, "device", JsonValue(delivery.device));
  json_set(json, value, "inode", JsonValue(delivery.inode));
  json_set(json, value, "uid", JsonValue(delivery.owner.uid));
  json_set(json, value, "gid", JsonValue(delivery.owner.gid));
  json_set(json, value, "user_namespace", JsonValue(delivery.user_namespace));
  json_set(json, value, "mode", JsonValue(delivery.mode));
  if (!delivery.label.empty()) json_set(json, value, "label", json_copy(json, delivery.label));
  JsonValue files = json_array();
  for (const WrittenFile& file : delivery.files) json_append(files, file_value(json, file));
  json_set(json, value, "files", std::move(files));
}

JsonValue delivery_value(JsonDocument& json, const DeliveryRecord& delivery) {
  JsonValue value = json_object();
  json_set(json, value, "profile", json_copy(json, delivery.profile));
  json_set(json, value, "delivery",
           json_copy(json, delivery.kind == DeliveryKind::mount ? "mount" : "write"));
  json_set(json, value, "target", json_copy(json, delivery.target));
  if (delivery.state != DeliveryState::planned)
    json_set(json, value, "state", json_copy(json, states[static_cast<size_t>(delivery.state)]));
  if (!delivery.reason.empty()) json_set(json, value, "reason", json_copy(json, delivery.reason));
  if (!delivery.hint.empty()) json_set(json, value, "hint", json_copy(json, delivery.hint));
  if (!delivery.shadowed_by.empty()) json_set(json, value, "shadowed_by", to_json(delivery.shadowed_by));
  if (delivery.kind == DeliveryKind::write) set_written(json, value, delivery);
  return value;
}

Error bad(std::string_view source, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}", source, reason)};
}

constexpr JsonField record_fields[] = {{"id", JsonType::string},          {"version", JsonType::integer},
                                       {"bundle", JsonType::string},      {"pid", JsonType::integer},
                                       {"start_time", JsonType::integer}, {"created_at", JsonType::integer},
                                       {"deliveries", JsonType::array}};
constexpr JsonField delivery_fields[] = {
    {"profile", JsonType::string},    {"delivery", JsonType::string},
    {"target", JsonType::string},     {"state", JsonType::string},
    {"reason", JsonType::string},     {"hint", JsonType::string},
    {"shadowed_by", JsonType::array}, {"source", JsonType::string},
    {"device", JsonType::integer},    {"inode", JsonType::integer},
    {"uid", JsonType::integer},       {"gid", JsonType::integer},
    {"mode", JsonType::integer},      {"user_namespace", JsonType::integer},
    {"label", JsonType::string},      {"files", JsonType::array}};
constexpr JsonField file_fields[] = {{"name", JsonType::string},
                                     {"member", JsonType::string},
                                     {"access_token", JsonType::string},
                                     {"refresh_token", JsonType::string},
                                     {"sha256", JsonType::array}};

// The name of a file in the directory, which must not lead elsewhere.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of({"/\0", 2}) == name.npos;
}

Result<std::vector<std::string>> read_strings(const JsonValue& object, std::string_view key,
                                              std::string_view source) {
  std::vector<std::string> strings;
  const JsonValue* value = json_member(object, key);
  if (value == nullptr) return strings;
  for (const JsonValue& element : value->GetArray()) {
    if (!element.IsString())
      return bad(source, fmt::format("/{}: contains an element that is not a string", key));
    strings.emplace_back(json_text(element));
  }
  return strings;
}

bool is_pointer(const std::string& text) {
  return text.empty() || is_json_pointer(text);
}

Result<WrittenFile> read_file_value(const JsonValue& value, std::string_view source) {
  WrittenFile file;
  if (value.IsString()) {  // version 1
    file.name = json_text(value);
  } else {
    TRY(check_types(value, source, file_fields));
    file.name = json_string(value, "name").value_or("");
    file.member = json_string(value, "member").value_or("");
    file.access_token = json_string(value, "access_token").value_or("");
    file.refresh_token = json_string(value, "refresh_token").value_or("");
    file.was_there = json_bool(value, "was_there").value_or(false);
    file.fingerprints = TRY(read_strings(value, "sha256", source));
  }
  if (!is_file_name(file.name)) return bad(source, "/files: contains an invalid file name");
  for (const std::string* pointer : {&file.member, &file.access_token, &file.refresh_token}) {
    if (!is_pointer(*pointer))
      return bad(source, fmt::format("/files: '{}' is not a JSON Pointer", *pointer));
  }
  return file;
}

// The files and their owner; read only if they are written.
Result<void> read_written(const JsonValue& value, std::string_view source, DeliveryRecord& delivery) {
  const auto number = [&](std::string_view key) { return json_uint(value, key); };
  const auto device = number("device"), inode = number("inode"), uid = number("uid"), gid = number("gid"),
             mode = number("mode");
  const JsonValue* files = json_member(value, "files");
  const bool whole = device && inode && uid && gid && mode && files != nullptr;
  constexpr std::uint64_t most = std::numeric_limits<uid_t>::max();
  if (!whole || *uid >= most || *gid >= most || *mode > 0777) {
    return bad(source, "does not identify the written directory and its files");
  }
  delivery.source = json_string(value, "source").value_or("");
  delivery.device = *device;
  delivery.inode = *inode;
  delivery.owner = {static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)};
  delivery.user_namespace = number("user_namespace").value_or(0);
  delivery.mode = static_cast<mode_t>(*mode);
  delivery.label = json_string(value, "label").value_or("");
  for (const JsonValue& element : files->GetArray()) {
    auto file = TRY(read_file_value(element, source));
    delivery.files.push_back(std::move(file));
  }
  return {};
}

Result<void> read_state(const JsonValue& value, std::string_view source, DeliveryRecord& delivery) {
  const auto state = json_string(value, "state").value_or(states[0]);
  const auto found = std::find(states.begin(), states.end(), state);
  if (found == states.end()) return bad(source, "/state: is not one of planned, delivered, failed");
  delivery.state = static_cast<DeliveryState>(found - states.begin());
  delivery.reason = json_string(value, "reason").value_or("");
  delivery.hint = json_string(value, "hint").value_or("");
  delivery.shadowed_by = TRY(read_strings(value, "shadowed_by", source));
  return {};
}

Result<DeliveryRecord> read_delivery(const JsonValue& value, std::string_view source) {
  TRY(check_types(value, source, delivery_fields));
  DeliveryRecord delivery;
  delivery.profile = json_string(value, "profile").value_or("");
  delivery.target = json_string(value, "target").value_or("");
  TRY(read_state(value, source, delivery));
  const auto kind = json_string(value, "delivery");
  if (kind == "mount") return delivery;
  if (kind != "write") return bad(source, "/delivery: is neither \"mount\" nor \"write\"");
  delivery.kind = DeliveryKind::write;
  TRY(read_written(value, source, delivery));
  return delivery;
}

}  // namespace

bool has_written_directory(const ContainerRecord& record) {
  return std::any_of(record.deliveries.begin(), record.deliveries.end(),
                     [](const DeliveryRecord& delivery) { return delivery.kind == DeliveryKind::write; });
}

bool is_same_directory(const DeliveryRecord& a, const DeliveryRecord& b) {
  return a.kind == DeliveryKind::write && b.kind == DeliveryKind::write && a.device == b.device &&
         a.inode == b.inode;
}

bool is_shared(const std::vector<ContainerRecord>& records, const ContainerRecord& record,
               const DeliveryRecord& delivery) {
  return std::any_of(records.begin(), records.end(), [&](const ContainerRecord& other) {
    const bool is_another = other.id != record.id || other.process != record.process;
    return is_another && is_running(other.process) &&
           std::any_of(other.deliveries.begin(), other.deliveries.end(),
                       [&](const DeliveryRecord& its) { return is_same_directory(its, delivery); });
  });
}

Result<ContainerRecord> parse_record(std::string_view text, std::string_view source) {
  auto json = TRY(parse_json(text, source));
  TRY(check_types(json, source, record_fields));
  if (json_int(json, "version").value_or(1) > version) return bad(source, "was written by a newer version");
  ContainerRecord record;
  record.id = json_string(json, "id").value_or("");
  record.bundle = json_string(json, "bundle").value_or("");
  const JsonValue* deliveries = json_member(json, "deliveries");
  const std::int64_t pid = json_int(json, "pid").value_or(0);
  if (!is_valid_container_id(record.id) || deliveries == nullptr || pid < 0 ||
      pid > std::numeric_limits<pid_t>::max()) {
    return bad(source, "is not a container record");
  }
  record.process = {static_cast<pid_t>(pid), json_uint(json, "start_time").value_or(0)};
  record.created_at = json_time(json, "created_at").value_or(Time{});
  for (const JsonValue& value : deliveries->GetArray()) {
    const std::string place = fmt::format("{}: /deliveries/{}", source, record.deliveries.size());
    auto delivery = TRY(read_delivery(value, place));
    record.deliveries.push_back(std::move(delivery));
  }
  return record;
}

std::string format_record(const ContainerRecord& record) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "id", json_copy(json, record.id));
  json_set(json, json, "version", JsonValue(version));
  if (!record.bundle.empty()) json_set(json, json, "bundle", json_copy(json, record.bundle));
  json_set(json, json, "pid", JsonValue(record.process.pid));
  json_set(json, json, "start_time", JsonValue(record.process.start_time));
  json_set(json, json, "created_at", time_value(record.created_at));
  JsonValue deliveries = json_array();
  for (const DeliveryRecord& delivery : record.deliveries) {
    json_append(deliveries, delivery_value(json, delivery));
  }
  json_set(json, json, "deliveries", std::move(deliveries));
  return std::string(write_json(json).reveal());
}

}  // namespace oci_oauth
