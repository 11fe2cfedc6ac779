// SPDX-License-Identifier: Apache-2.0
// oci-oauth status: a table for people, or the JSON that scripts rely on. Never a secret.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/json.h"
#include "command.h"
#include "oci/container_record.h"
#include "refresh/sinks.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds login_warning = std::chrono::hours(72);

struct ProfileStatus {
  const Profile* profile;
  std::optional<Published> published;
};

bool login_is_refused(const Published& published) {
  return !published.dead_refresh_token_hash.empty() ||
         (published.last_error && published.last_error->kind == FailureKind::login_required);
}

std::string_view state_word(const std::optional<Published>& published, Time now) {
  if (!published) return "unknown";
  if (login_is_refused(*published)) return "login_required";
  if (!published->has_token()) return "unknown";
  switch (freshness(now, published->due_at, published->expires_at)) {
    case Freshness::fresh:
      return "fresh";
    case Freshness::due:
      return "due";
    case Freshness::expired:
      return "expired";
  }
  return "unknown";
}

Result<std::vector<ProfileStatus>> collect(const Config& config, const RuntimeDir& runtime) {
  std::vector<ProfileStatus> all;
  for (const Profile& profile : config.profiles) {
    auto published = runtime.published(profile.name);
    if (!published) return std::move(published).error();
    all.push_back({&profile, std::move(*published)});
  }
  return all;
}

struct Held {
  const ContainerRecord* container;
  const DeliveryRecord* delivery;
};

std::vector<Held> held_by(const std::vector<ContainerRecord>& records, const std::string& profile) {
  std::vector<Held> held;
  for (const ContainerRecord& record : records) {
    if (!is_running(record.process)) continue;
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile == profile) held.push_back({&record, &delivery});
    }
  }
  return held;
}

std::string_view delivery_word(DeliveryKind kind) {
  return kind == DeliveryKind::mount ? "mount" : "write";
}

JsonValue time_or_null(JsonDocument& json, const std::optional<Time>& time) {
  return time ? json_copy(json, rfc3339(*time)) : JsonValue(rapidjson::kNullType);
}

JsonValue error_or_null(JsonDocument& json, const std::optional<Published>& published) {
  if (!published || !published->last_error) return JsonValue(rapidjson::kNullType);
  const LastError& error = *published->last_error;
  JsonValue value(rapidjson::kObjectType);
  json_set(json, value, "kind", json_copy(json, word(error.kind)));
  json_set(json, value, "message", json_copy(json, error.message));
  json_set(json, value, "at", json_copy(json, rfc3339(error.at)));
  return value;
}

JsonValue profile_json(JsonDocument& json, const ProfileStatus& status,
                       const std::vector<ContainerRecord>& records, Time now) {
  const auto& published = status.published;
  JsonValue value(rapidjson::kObjectType);
  json_set(json, value, "name", json_copy(json, status.profile->name));
  json_set(json, value, "provider", json_copy(json, status.profile->provider));
  json_set(json, value, "state", json_copy(json, state_word(published, now)));
  const bool has_token = published && published->has_token();
  json_set(json, value, "expires_at",
           time_or_null(json, has_token ? std::optional(published->expires_at) : std::nullopt));
  json_set(json, value, "refreshed_at",
           time_or_null(json, published ? published->refreshed_at : std::nullopt));
  json_set(json, value, "login_expires_at",
           time_or_null(json, published ? published->login_expires_at : std::nullopt));
  json_set(json, value, "last_error", error_or_null(json, published));
  JsonValue containers(rapidjson::kArrayType);
  for (const Held& held : held_by(records, status.profile->name)) {
    JsonValue container(rapidjson::kObjectType);
    json_set(json, container, "id", json_copy(json, held.container->id));
    json_set(json, container, "delivery", json_copy(json, delivery_word(held.delivery->kind)));
    json_set(json, container, "path", json_copy(json, held.delivery->target));
    containers.PushBack(container, json.GetAllocator());
  }
  json_set(json, value, "containers", std::move(containers));
  return value;
}

using Row = std::vector<std::string>;

std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

Row profile_row(const ProfileStatus& status, Time now) {
  const auto& published = status.published;
  const bool has_token = published && published->has_token();
  const bool alive = has_token && published->expires_at > now;
  return {status.profile->name, std::string(state_word(published, now)),
          alive ? describe(published->expires_at - now) : "-",
          published && published->refreshed_at ? rfc3339(*published->refreshed_at) : "-",
          published && published->login_expires_at ? rfc3339(*published->login_expires_at) : "-"};
}

std::string remarks(const ProfileStatus& status, const RuntimeDir& runtime, Time now) {
  std::string text;
  const auto& published = status.published;
  const std::string& name = status.profile->name;
  if (published && published->last_error) {
    const LastError& error = *published->last_error;
    text += fmt::format("{}: {} ({}, {})\n", name, error.message, word(error.kind), rfc3339(error.at));
    if (!error.hint.empty()) text += fmt::format("hint: {}\n", error.hint);
  }
  if (published && published->login_expires_at && *published->login_expires_at - now < login_warning) {
    text += fmt::format("{}: the login itself ends in {}: log in again before\n", name,
                        describe(*published->login_expires_at - now));
  }
  if (!published) text += fmt::format("{}: never refreshed\nhint: oci-oauth refresh {}\n", name, name);
  if (runtime.share_storage() == ShareStorage::disk) {
    text += fmt::format("{}: {} is on a disk, not in memory\n", name, runtime.share_path(name));
  }
  return text;
}

JsonValue sinks_json(JsonDocument& json, const std::vector<SinkState>& sinks) {
  JsonValue list(rapidjson::kArrayType);
  for (const SinkState& sink : sinks) {
    JsonValue value(rapidjson::kObjectType);
    json_set(json, value, "profile", json_copy(json, sink.profile));
    json_set(json, value, "sink", json_copy(json, sink.sink));
    json_set(json, value, "delivered_at", time_or_null(json, sink.delivered_at));
    json_set(json, value, "failures", JsonValue(sink.failures));
    json_set(json, value, "error", sink.error.empty() ? JsonValue() : json_copy(json, sink.error));
    json_set(json, value, "failed_at", time_or_null(json, sink.failed_at));
    list.PushBack(value, json.GetAllocator());
  }
  return list;
}

// A line for each sink that lacks the token.
std::string sink_remarks(const std::vector<SinkState>& sinks) {
  std::string text;
  for (const SinkState& sink : sinks) {
    if (!sink.failed_at) continue;
    text += fmt::format("{}: sink '{}': {} ({} in a row, {})\n", sink.profile, sink.sink, sink.error,
                        sink.failures, rfc3339(*sink.failed_at));
    if (!sink.hint.empty()) text += fmt::format("hint: {}\n", sink.hint);
  }
  return text;
}

Result<std::string> status_json(const Config& config, const RuntimeDir& runtime, Time now) {
  auto profiles = collect(config, runtime);
  if (!profiles) return std::move(profiles).error();
  auto records = list_records(runtime.containers().get());
  if (!records) return std::move(records).error();
  auto sinks = sink_states(runtime);
  if (!sinks) return std::move(sinks).error();
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(1));
  JsonValue list(rapidjson::kArrayType);
  for (const ProfileStatus& status : *profiles) {
    list.PushBack(profile_json(json, status, *records, now), json.GetAllocator());
  }
  json_set(json, json, "profiles", std::move(list));
  json_set(json, json, "sinks", sinks_json(json, *sinks));
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

Result<std::string> status_table(const Config& config, const RuntimeDir& runtime, Time now) {
  auto profiles = collect(config, runtime);
  if (!profiles) return std::move(profiles).error();
  auto records = list_records(runtime.containers().get());
  if (!records) return std::move(records).error();
  if (profiles->empty()) return fmt::format("no profiles in {}\n", config.path);

  std::vector<Row> rows = {{"PROFILE", "STATE", "TOKEN LIVES", "REFRESHED", "LOGIN ENDS"}};
  std::vector<Row> containers = {{"CONTAINER", "PROFILE", "DELIVERY", "PATH"}};
  std::string notes;
  for (const ProfileStatus& status : *profiles) {
    rows.push_back(profile_row(status, now));
    notes += remarks(status, runtime, now);
    for (const Held& held : held_by(*records, status.profile->name)) {
      containers.push_back({held.container->id.substr(0, 16), status.profile->name,
                            std::string(delivery_word(held.delivery->kind)), held.delivery->target});
    }
  }
  auto sinks = sink_states(runtime);
  if (!sinks) return std::move(sinks).error();
  std::string text = aligned(rows) + notes + sink_remarks(*sinks);
  if (containers.size() > 1) text += "\n" + aligned(containers);
  return text;
}

}  // namespace

ExitCode status(const Invocation& invocation) {
  ArgumentReader reader("status", invocation.arguments);
  const bool json = reader.flag("--json");
  const auto rest = reader.operands();
  if (!rest) return report(invocation.log, rest.error());
  if (!rest->empty())
    return report(invocation.log, usage_error("status", fmt::format("unknown argument '{}'", rest->front())));
  const auto workplace = open_workplace(invocation);
  if (!workplace) return report(invocation.log, workplace.error());
  const auto text = json ? status_json(workplace->config, workplace->runtime, now())
                         : status_table(workplace->config, workplace->runtime, now());
  return text ? print(invocation.log, *text) : report(invocation.log, text.error());
}

}  // namespace oci_oauth
