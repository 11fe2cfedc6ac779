// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_record.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>

#include "base/fmt.h"
#include "base/json.h"
#include "base/size.h"
#include "oci/state.h"

namespace oci_oauth {

namespace {

constexpr size_t record_limit = 256 * KiB;
constexpr std::string_view suffix = ".json";
constexpr const char* written_notes =
    "../written";  // an empty file for each container that has a written directory

std::string file_name(std::string_view id) {
  return fmt::format("{}{}", id, suffix);
}

// Found by what has to update written directories, which need not read the records of all others.
std::string written_note(std::string_view id) {
  return fmt::format("{}/{}", written_notes, id);
}

Result<void> note_written(int directory, std::string_view id) {
  if (::mkdirat(directory, written_notes, 0700) != 0 && errno != EEXIST)
    return Error::from_errno(errno, "written: mkdir");
  const std::string name = written_note(id);
  auto note =
      open_file({directory, name, fmt::format("written/{}", id)}, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  if (!note) return std::move(note).error();
  return {};
}

JsonValue delivery_value(JsonDocument& json, const DeliveryRecord& delivery) {
  JsonValue value(rapidjson::kObjectType);
  json_set(json, value, "profile", json_copy(json, delivery.profile));
  json_set(json, value, "delivery",
           json_copy(json, delivery.kind == DeliveryKind::mount ? "mount" : "write"));
  json_set(json, value, "target", json_copy(json, delivery.target));
  if (delivery.kind == DeliveryKind::mount) return value;
  json_set(json, value, "source", json_copy(json, delivery.source));
  json_set(json, value, "device", JsonValue(delivery.device));
  json_set(json, value, "inode", JsonValue(delivery.inode));
  json_set(json, value, "uid", JsonValue(delivery.owner.uid));
  json_set(json, value, "gid", JsonValue(delivery.owner.gid));
  json_set(json, value, "user_namespace", JsonValue(delivery.user_namespace));
  json_set(json, value, "mode", JsonValue(delivery.mode));
  if (!delivery.label.empty()) json_set(json, value, "label", json_copy(json, delivery.label));
  JsonValue files(rapidjson::kArrayType);
  for (const std::string& file : delivery.files) files.PushBack(json_copy(json, file), json.GetAllocator());
  json_set(json, value, "files", std::move(files));
  return value;
}

Error bad(std::string_view source, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}", source, reason), ""};
}

constexpr JsonField record_fields[] = {{"id", JsonType::string},
                                       {"pid", JsonType::integer},
                                       {"start_time", JsonType::integer},
                                       {"created_at", JsonType::integer},
                                       {"deliveries", JsonType::array}};
constexpr JsonField delivery_fields[] = {{"profile", JsonType::string}, {"delivery", JsonType::string},
                                         {"target", JsonType::string},  {"source", JsonType::string},
                                         {"device", JsonType::integer}, {"inode", JsonType::integer},
                                         {"uid", JsonType::integer},    {"gid", JsonType::integer},
                                         {"mode", JsonType::integer},   {"user_namespace", JsonType::integer},
                                         {"label", JsonType::string},   {"files", JsonType::array}};

// A name of a file in the directory, nothing that leads elsewhere.
bool is_file_name(const JsonValue& name) {
  const std::string_view text = name.IsString() ? json_text(name) : "";
  return !text.empty() && text != "." && text != ".." && text.find_first_of({"/\0", 2}) == text.npos;
}

// The files, and whom they belong to: read only where they are written.
Result<void> read_written(const JsonValue& value, std::string_view source, DeliveryRecord& delivery) {
  const auto number = [&](std::string_view key) { return json_uint(value, key); };
  const auto device = number("device"), inode = number("inode"), uid = number("uid"), gid = number("gid"),
             mode = number("mode");
  const JsonValue* files = json_member(value, "files");
  const bool whole = device && inode && uid && gid && mode && files != nullptr;
  constexpr std::uint64_t most = std::numeric_limits<uid_t>::max();
  if (!whole || *uid >= most || *gid >= most || *mode > 0777) {
    return bad(source, "lacks the identity of a written directory or of its files");
  }
  delivery.source = json_string(value, "source").value_or("");
  delivery.device = *device;
  delivery.inode = *inode;
  delivery.owner = {static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)};
  delivery.user_namespace = number("user_namespace").value_or(0);
  delivery.mode = static_cast<mode_t>(*mode);
  delivery.label = json_string(value, "label").value_or("");
  for (const JsonValue& file : files->GetArray()) {
    if (!is_file_name(file)) return bad(source, "/files: holds what is no file's name");
    delivery.files.emplace_back(json_text(file));
  }
  return {};
}

Result<DeliveryRecord> read_delivery(const JsonValue& value, std::string_view source) {
  if (auto checked = check_types(value, source, delivery_fields); !checked) return std::move(checked).error();
  DeliveryRecord delivery;
  delivery.profile = json_string(value, "profile").value_or("");
  delivery.target = json_string(value, "target").value_or("");
  const auto kind = json_string(value, "delivery");
  if (kind == "mount") return delivery;
  if (kind != "write") return bad(source, "/delivery: is neither \"mount\" nor \"write\"");
  delivery.kind = DeliveryKind::write;
  if (auto read = read_written(value, source, delivery); !read) return std::move(read).error();
  return delivery;
}

Result<std::vector<std::string>> names_in(int directory, const char* path) {
  UniqueFd again(::openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return Error::from_errno(errno, "containers");
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(again.release()), ::closedir);
  if (entries == nullptr) return Error::from_errno(errno, "containers");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

}  // namespace

bool has_written_directory(const ContainerRecord& record) {
  return std::any_of(record.deliveries.begin(), record.deliveries.end(),
                     [](const DeliveryRecord& delivery) { return delivery.kind == DeliveryKind::write; });
}

bool is_shared(const std::vector<ContainerRecord>& records, std::string_view id,
               const DeliveryRecord& delivery) {
  return std::any_of(records.begin(), records.end(), [&](const ContainerRecord& record) {
    return record.id != id && is_running(record.process) &&
           std::any_of(record.deliveries.begin(), record.deliveries.end(), [&](const DeliveryRecord& other) {
             return other.kind == DeliveryKind::write && other.device == delivery.device &&
                    other.inode == delivery.inode;
           });
  });
}

Result<ContainerRecord> parse_record(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source);
  if (!json) return std::move(json).error();
  if (auto checked = check_types(*json, source, record_fields); !checked) return std::move(checked).error();
  ContainerRecord record;
  record.id = json_string(*json, "id").value_or("");
  const JsonValue* deliveries = json_member(*json, "deliveries");
  const std::int64_t pid = json_int(*json, "pid").value_or(0);
  if (!is_valid_container_id(record.id) || deliveries == nullptr || pid < 0 ||
      pid > std::numeric_limits<pid_t>::max()) {
    return bad(source, "is no container's record");
  }
  record.process = {static_cast<pid_t>(pid), json_uint(*json, "start_time").value_or(0)};
  record.created_at = json_time(*json, "created_at").value_or(Time{});
  for (const JsonValue& value : deliveries->GetArray()) {
    const std::string place = fmt::format("{}: /deliveries/{}", source, record.deliveries.size());
    auto delivery = read_delivery(value, place);
    if (!delivery) return std::move(delivery).error();
    record.deliveries.push_back(std::move(*delivery));
  }
  return record;
}

std::string format_record(const ContainerRecord& record) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "id", json_copy(json, record.id));
  json_set(json, json, "pid", JsonValue(record.process.pid));
  json_set(json, json, "start_time", JsonValue(record.process.start_time));
  json_set(json, json, "created_at", time_value(record.created_at));
  JsonValue deliveries(rapidjson::kArrayType);
  for (const DeliveryRecord& delivery : record.deliveries) {
    deliveries.PushBack(delivery_value(json, delivery), json.GetAllocator());
  }
  json_set(json, json, "deliveries", std::move(deliveries));
  return std::string(write_json(json).reveal());
}

Result<void> save_record(int directory, const ContainerRecord& record) {
  if (has_written_directory(record)) {
    if (auto noted = note_written(directory, record.id); !noted) return noted;
  }
  return replace_file(directory, file_name(record.id), "containers", format_record(record));
}

Result<ContainerRecord> load_record(int directory, std::string_view id) {
  const std::string name = file_name(id);
  auto text = read_file({directory, name, "containers/" + name}, record_limit, Links::refused);
  if (!text) return std::move(text).error();
  auto record = parse_record(*text, "containers/" + name);
  if (record && record->id != id) {
    return bad("containers/" + name, fmt::format("is the record of container '{}'", record->id));
  }
  return record;
}

void remove_record(int directory, std::string_view id) {
  ::unlinkat(directory, written_note(id).c_str(), 0);
  ::unlinkat(directory, file_name(id).c_str(), 0);
}

Result<std::vector<ContainerRecord>> list_records(int directory) {
  auto names = names_in(directory, ".");
  if (!names) return std::move(names).error();
  std::vector<ContainerRecord> records;
  for (const std::string& name : *names) {
    if (!name.ends_with(suffix)) continue;
    auto record = load_record(directory, std::string_view(name).substr(0, name.size() - suffix.size()));
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

Result<std::vector<ContainerRecord>> list_written_records(int directory) {
  auto ids = names_in(directory, written_notes);
  std::vector<ContainerRecord> records;
  if (!ids && ids.error().kind == ErrorKind::not_found) return records;
  if (!ids) return std::move(ids).error();
  for (const std::string& id : *ids) {
    auto record = load_record(directory, id);
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

}  // namespace oci_oauth
