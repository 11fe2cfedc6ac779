// SPDX-License-Identifier: Apache-2.0
#include "token/published.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr std::array<std::string_view, 8> words = {"login_required", "throttled", "server", "network",
                                                   "unknown",        "rejected",  "busy",   "login"};

void set_time(JsonDocument& json, JsonValue& object, std::string_view key, Time time) {
  json_set(json, object, key, JsonValue(std::int64_t{time.time_since_epoch().count()}));
}

std::optional<Time> get_time(const JsonValue& object, std::string_view key) {
  const auto value = json_int(object, key);
  return value ? std::optional(Time(Milliseconds(*value))) : std::nullopt;
}

JsonValue stamp_value(JsonDocument& json, const FileStamp& stamp) {
  JsonValue value(rapidjson::kObjectType);
  json_set(json, value, "device", JsonValue(stamp.device));
  json_set(json, value, "inode", JsonValue(stamp.inode));
  json_set(json, value, "size", JsonValue(stamp.size));
  json_set(json, value, "mtime_ns", JsonValue(stamp.mtime_ns));
  return value;
}

FileStamp read_stamp(const JsonValue& value) {
  FileStamp stamp;
  const JsonValue* device = json_member(value, "device");
  const JsonValue* inode = json_member(value, "inode");
  if (device != nullptr && device->IsUint64()) stamp.device = device->GetUint64();
  if (inode != nullptr && inode->IsUint64()) stamp.inode = inode->GetUint64();
  stamp.size = json_int(value, "size").value_or(0);
  stamp.mtime_ns = json_int(value, "mtime_ns").value_or(0);
  return stamp;
}

JsonValue error_value(JsonDocument& json, const LastError& error) {
  JsonValue value(rapidjson::kObjectType);
  json_set(json, value, "kind", json_copy(json, word(error.kind)));
  json_set(json, value, "message", json_copy(json, error.message));
  json_set(json, value, "hint", json_copy(json, error.hint));
  set_time(json, value, "at", error.at);
  return value;
}

LastError read_error(const JsonValue& value) {
  LastError error;
  const auto kind = json_string(value, "kind").value_or("");
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kind) error.kind = static_cast<FailureKind>(i);
  }
  error.message = json_string(value, "message").value_or("");
  error.hint = json_string(value, "hint").value_or("");
  error.at = get_time(value, "at").value_or(Time{});
  return error;
}

}  // namespace

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

std::string_view word(FailureKind kind) {
  return words[static_cast<size_t>(kind)];
}

Result<Published> parse_published(std::string_view text, std::string_view source) {
  auto json = parse_json(text, source);
  if (!json) return std::move(json).error();
  const JsonValue* login = json_member(*json, "login");
  if (json_int(*json, "version") != 1 || login == nullptr) {
    return Error{ErrorKind::failed, fmt::format("{}: was not written by this version", source),
                 "oci-oauth refresh writes it anew once the file is removed"};
  }
  Published published;
  published.provider = json_string(*json, "provider").value_or("");
  published.login = read_stamp(*login);
  published.obtained_at = get_time(*json, "obtained_at").value_or(Time{});
  published.due_at = get_time(*json, "due_at").value_or(Time{});
  published.expires_at = get_time(*json, "expires_at").value_or(Time{});
  published.refreshed_at = get_time(*json, "refreshed_at");
  published.login_expires_at = get_time(*json, "login_expires_at");
  published.access_token_hash = json_string(*json, "access_token_hash").value_or("");
  published.dead_refresh_token_hash = json_string(*json, "dead_refresh_token_hash").value_or("");
  published.attempted_at = get_time(*json, "attempted_at").value_or(Time{});
  published.not_before = get_time(*json, "not_before").value_or(Time{});
  published.failures = static_cast<unsigned>(json_int(*json, "failures").value_or(0));
  if (const JsonValue* error = json_member(*json, "last_error")) published.last_error = read_error(*error);
  return published;
}

std::string format_published(const Published& published) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(1));
  json_set(json, json, "provider", json_copy(json, published.provider));
  json_set(json, json, "login", stamp_value(json, published.login));
  set_time(json, json, "obtained_at", published.obtained_at);
  set_time(json, json, "due_at", published.due_at);
  set_time(json, json, "expires_at", published.expires_at);
  if (published.refreshed_at) set_time(json, json, "refreshed_at", *published.refreshed_at);
  if (published.login_expires_at) set_time(json, json, "login_expires_at", *published.login_expires_at);
  json_set(json, json, "access_token_hash", json_copy(json, published.access_token_hash));
  json_set(json, json, "dead_refresh_token_hash", json_copy(json, published.dead_refresh_token_hash));
  set_time(json, json, "attempted_at", published.attempted_at);
  set_time(json, json, "not_before", published.not_before);
  json_set(json, json, "failures", JsonValue(published.failures));
  if (published.last_error) json_set(json, json, "last_error", error_value(json, *published.last_error));
  return std::string(write_json(json).reveal());
}

}  // namespace oci_oauth
