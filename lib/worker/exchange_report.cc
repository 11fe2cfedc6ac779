// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_report.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr std::string_view report_source = "exchange report";
constexpr int report_version = 2;  // of the text

JsonValue snapshot_value(JsonDocument& json, const LoginSnapshot& login) {
  JsonValue value = json_object();
  json_set(json, value, "stamp", stamp_value(json, login.stamp));
  json_set(json, value, "is_on_local_storage", JsonValue(login.is_on_local_storage));
  json_set(json, value, "access_token_hash", json_copy(json, login.access_token_hash));
  json_set(json, value, "request_hash", json_copy(json, login.request_hash));
  json_set(json, value, "expires_at", time_value(login.expires_at));
  json_set(json, value, "can_be_refreshed", JsonValue(login.can_be_refreshed));
  if (login.login_expires_at) json_set(json, value, "login_expires_at", time_value(*login.login_expires_at));
  JsonValue files = json_object();
  for (const auto& [name, content] : login.files)
    json_set(json, files, name, json_copy(json, content.reveal()));
  json_set(json, value, "files", std::move(files));
  return value;
}

JsonValue failure_value(JsonDocument& json, const ExchangeFailure& failure) {
  JsonValue value = json_object();
  json_set(json, value, "kind", json_copy(json, word(failure.kind)));
  json_set(json, value, "message", json_copy(json, failure.message));
  json_set(json, value, "hint", json_copy(json, failure.hint));
  if (failure.retry_after)
    json_set(json, value, "retry_after", JsonValue(std::int64_t{failure.retry_after->count()}));
  json_set(json, value, "request_hash", json_copy(json, failure.request_hash));
  json_set(json, value, "is_known", JsonValue(failure.is_known));
  return value;
}

std::optional<LoginSnapshot> read_snapshot(const JsonValue& value) {
  LoginSnapshot login;
  const JsonValue* stamp = json_member(value, "stamp");
  const JsonValue* files = json_member(value, "files");
  const auto read = stamp != nullptr ? read_stamp(*stamp) : std::nullopt;
  const auto expires_at = json_time(value, "expires_at");
  if (!read || !expires_at || files == nullptr || !files->IsObject()) return std::nullopt;
  login.stamp = *read;
  login.is_on_local_storage = json_bool(value, "is_on_local_storage").value_or(true);
  login.access_token_hash = json_string(value, "access_token_hash").value_or("");
  login.request_hash = json_string(value, "request_hash").value_or("");
  login.expires_at = *expires_at;
  login.can_be_refreshed = json_bool(value, "can_be_refreshed").value_or(true);
  login.login_expires_at = json_time(value, "login_expires_at");
  for (const auto& file : files->GetObject()) {
    if (file.value.IsString()) login.files.emplace_back(json_text(file.name), Secret(json_text(file.value)));
  }
  return login;
}

ExchangeFailure read_failure(const JsonValue& value) {
  ExchangeFailure failure;
  failure.kind = failure_kind_of(json_string(value, "kind").value_or("")).value_or(FailureKind::login);
  failure.message = json_string(value, "message").value_or("");
  failure.hint = json_string(value, "hint").value_or("");
  if (const auto delay = json_int(value, "retry_after")) failure.retry_after = Milliseconds(*delay);
  failure.request_hash = json_string(value, "request_hash").value_or("");
  failure.is_known = json_bool(value, "is_known").value_or(false);
  return failure;
}

}  // namespace

Secret format_report(const ExchangeReport& report) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(report_version));
  json_set(json, json, "refreshed", JsonValue(report.refreshed));
  json_set(json, json, "stored_in_us", JsonValue(std::int64_t{report.stored_in.count()}));
  JsonValue notices = json_array();
  for (const std::string& notice : report.notices) json_append(notices, notice);
  json_set(json, json, "notices", std::move(notices));
  if (report.login) json_set(json, json, "login", snapshot_value(json, *report.login));
  if (report.failure) json_set(json, json, "failure", failure_value(json, *report.failure));
  return write_json(json);
}

Result<void> send_report(int fd, const ExchangeReport& report) {
  std::string line;
  append_secret(line, format_report(report).reveal());
  append_secret(line, "\n");
  return write_all(fd, Secret(std::move(line)).reveal(), "report");
}

Result<ExchangeReport> parse_report(std::string_view text) {
  auto json = TRY(parse_json(text, report_source));
  if (json_int(json, "version") != report_version)
    return Error{ErrorKind::failed, fmt::format("{}: has another version", report_source)};
  ExchangeReport report;
  report.refreshed = json_bool(json, "refreshed").value_or(false);
  report.stored_in = std::chrono::microseconds(json_int(json, "stored_in_us").value_or(0));
  if (const JsonValue* notices = json_member(json, "notices"); notices != nullptr && notices->IsArray()) {
    for (const JsonValue& notice : notices->GetArray()) {
      if (notice.IsString()) report.notices.emplace_back(json_text(notice));
    }
  }
  if (const JsonValue* login = json_member(json, "login")) report.login = read_snapshot(*login);
  if (const JsonValue* failure = json_member(json, "failure")) report.failure = read_failure(*failure);
  return report;
}

}  // namespace oci_oauth
