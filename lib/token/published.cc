// SPDX-License-Identifier: Apache-2.0
#include "token/published.h"

#include "base/fmt.h"

#include <array>

namespace oci_oauth {

namespace {

constexpr std::array<JsonField, 16> fields = {{{"provider", JsonType::string},
                                               {"login", JsonType::object},
                                               {"obtained_at", JsonType::integer},
                                               {"due_at", JsonType::integer},
                                               {"expires_at", JsonType::integer},
                                               {"refreshed_at", JsonType::integer},
                                               {"login_expires_at", JsonType::integer},
                                               {"token_life_ms", JsonType::integer},
                                               {"access_token_hash", JsonType::string},
                                               {"dead_request_hash", JsonType::string},
                                               {"failed_request_hash", JsonType::string},
                                               {"attempted_at", JsonType::integer},
                                               {"not_before", JsonType::integer},
                                               {"attempts", JsonType::integer},
                                               {"failures", JsonType::integer},
                                               {"last_error", JsonType::object}}};

JsonValue error_value(JsonDocument& json, const LastError& error) {
  JsonValue value = json_object();
  json_set(json, value, "kind", json_copy(json, word(error.kind)));
  json_set(json, value, "message", json_copy(json, error.message));
  json_set(json, value, "hint", json_copy(json, error.hint));
  json_set(json, value, "at", time_value(error.at));
  return value;
}

LastError read_error(const JsonValue& value) {
  LastError error;
  error.kind = failure_kind_of(json_string(value, "kind").value_or("")).value_or(error.kind);
  error.message = json_string(value, "message").value_or("");
  error.hint = json_string(value, "hint").value_or("");
  error.at = json_time(value, "at").value_or(Time{});
  return error;
}

std::map<std::string, std::uint64_t, std::less<>> read_outcomes(const JsonValue& value) {
  std::map<std::string, std::uint64_t, std::less<>> outcomes;
  if (!value.IsObject()) return outcomes;
  for (const auto& member : value.GetObject()) {
    if (member.value.IsUint64()) outcomes.emplace(json_text(member.name), member.value.GetUint64());
  }
  return outcomes;
}

std::vector<std::string> read_names(const JsonValue& value) {
  std::vector<std::string> names;
  if (!value.IsArray()) return names;
  for (const JsonValue& name : value.GetArray()) {
    if (name.IsString()) names.emplace_back(json_text(name));
  }
  return names;
}

JsonValue outcomes_value(JsonDocument& json, const Published& published) {
  JsonValue value = json_object();
  for (const auto& [outcome, count] : published.outcomes) json_set(json, value, outcome, JsonValue(count));
  return value;
}

}  // namespace

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

JsonValue stamp_value(JsonDocument& json, const FileStamp& stamp) {
  JsonValue value = json_object();
  json_set(json, value, "device", JsonValue(stamp.device));
  json_set(json, value, "inode", JsonValue(stamp.inode));
  json_set(json, value, "size", JsonValue(stamp.size));
  json_set(json, value, "mtime_ns", JsonValue(stamp.mtime_ns));
  return value;
}

std::optional<FileStamp> read_stamp(const JsonValue& value) {
  const auto device = json_uint(value, "device"), inode = json_uint(value, "inode");
  if (!device || !inode) return std::nullopt;
  return FileStamp{*device, *inode, json_int(value, "size").value_or(0),
                   json_int(value, "mtime_ns").value_or(0)};
}

bool login_is_unchanged(const std::string& path, const Published& published) {
  if (!published.login_is_visible) return true;
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && FileStamp::of(status) == published.login;
}

Result<Published> parse_published(std::string_view text, std::string_view source) {
  auto json = TRY(parse_json(text, source));
  TRY(check_types(json, source, fields));
  const JsonValue* login = json_member(json, "login");
  if (json_int(json, "version") != 1 || login == nullptr) {
    return Error{ErrorKind::failed, fmt::format("{}: was written by another version", source)};
  }
  Published published;
  published.provider = json_string(json, "provider").value_or("");
  published.login = read_stamp(*login).value_or(FileStamp{});
  published.login_is_visible = json_bool(json, "login_is_visible").value_or(true);
  published.obtained_at = json_time(json, "obtained_at").value_or(Time{});
  published.due_at = json_time(json, "due_at").value_or(Time{});
  published.expires_at = json_time(json, "expires_at").value_or(Time{});
  published.refreshed_at = json_time(json, "refreshed_at");
  published.login_expires_at = json_time(json, "login_expires_at");
  published.token_life = Milliseconds(json_int(json, "token_life_ms").value_or(0));
  published.access_token_hash = json_string(json, "access_token_hash").value_or("");
  published.dead_request_hash = json_string(json, "dead_request_hash").value_or("");
  published.failed_request_hash = json_string(json, "failed_request_hash").value_or("");
  published.attempted_at = json_time(json, "attempted_at").value_or(Time{});
  published.not_before = json_time(json, "not_before").value_or(Time{});
  published.attempts = json_uint(json, "attempts").value_or(0);
  published.failures = static_cast<unsigned>(json_int(json, "failures").value_or(0));
  if (const JsonValue* error = json_member(json, "last_error")) published.last_error = read_error(*error);
  if (const JsonValue* names = json_member(json, "shadowed_by")) published.shadowed_by = read_names(*names);
  if (const JsonValue* outcomes = json_member(json, "outcomes"))
    published.outcomes = read_outcomes(*outcomes);
  return published;
}

std::string format_published(const Published& published) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(1));
  json_set(json, json, "provider", json_copy(json, published.provider));
  json_set(json, json, "login", stamp_value(json, published.login));
  json_set(json, json, "login_is_visible", JsonValue(published.login_is_visible));
  json_set(json, json, "obtained_at", time_value(published.obtained_at));
  json_set(json, json, "due_at", time_value(published.due_at));
  json_set(json, json, "expires_at", time_value(published.expires_at));
  if (published.refreshed_at) json_set(json, json, "refreshed_at", time_value(*published.refreshed_at));
  if (published.login_expires_at)
    json_set(json, json, "login_expires_at", time_value(*published.login_expires_at));
  json_set(json, json, "token_life_ms", JsonValue(std::int64_t{published.token_life.count()}));
  json_set(json, json, "access_token_hash", json_copy(json, published.access_token_hash));
  json_set(json, json, "dead_request_hash", json_copy(json, published.dead_request_hash));
  json_set(json, json, "failed_request_hash", json_copy(json, published.failed_request_hash));
  json_set(json, json, "attempted_at", time_value(published.attempted_at));
  json_set(json, json, "not_before", time_value(published.not_before));
  json_set(json, json, "attempts", JsonValue(published.attempts));
  json_set(json, json, "failures", JsonValue(published.failures));
  if (published.last_error) json_set(json, json, "last_error", error_value(json, *published.last_error));
  json_set(json, json, "shadowed_by", to_json(published.shadowed_by));
  json_set(json, json, "outcomes", outcomes_value(json, published));
  return std::string(write_json(json).reveal());
}

}  // namespace oci_oauth
