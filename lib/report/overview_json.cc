// SPDX-License-Identifier: Apache-2.0
#include "report/overview_json.h"

#include "base/json.h"

namespace oci_oauth {

namespace {

JsonValue time_or_null(JsonDocument& json, const std::optional<Time>& time) {
  return time ? json_copy(json, rfc3339(*time)) : JsonValue();
}

JsonValue error_or_null(JsonDocument& json, const std::optional<Published>& published) {
  if (!published || !published->last_error) return JsonValue();
  const LastError& error = *published->last_error;
  JsonValue value = json_object();
  json_set(json, value, "kind", json_copy(json, word(error.kind)));
  json_set(json, value, "message", json_copy(json, error.message));
  json_set(json, value, "at", json_copy(json, rfc3339(error.at)));
  return value;
}

JsonValue container_value(JsonDocument& json, const ContainerView& container) {
  JsonValue value = json_object();
  json_set(json, value, "id", json_copy(json, container.id));
  json_set(json, value, "delivery", json_copy(json, word(container.delivery)));
  json_set(json, value, "path", json_copy(json, container.path));
  json_set(json, value, "state", json_copy(json, word(container.token)));
  json_set(json, value, "reason", container.reason.empty() ? JsonValue() : json_copy(json, container.reason));
  JsonValue shadowed_by = json_array();
  for (const std::string& name : container.shadowed_by) json_append(shadowed_by, name);
  json_set(json, value, "shadowed_by", std::move(shadowed_by));
  return value;
}

JsonValue profile_value(JsonDocument& json, const ProfileView& profile) {
  JsonValue value = json_object();
  json_set(json, value, "name", json_copy(json, profile.name));
  json_set(json, value, "provider", json_copy(json, profile.provider));
  json_set(json, value, "state", json_copy(json, word(profile.state)));
  json_set(json, value, "expires_at", time_or_null(json, profile.expires_at()));
  json_set(json, value, "refreshed_at", time_or_null(json, profile.refreshed_at()));
  json_set(json, value, "login_expires_at", time_or_null(json, profile.login_expires_at()));
  json_set(json, value, "last_error", error_or_null(json, profile.published));
  JsonValue containers = json_array();
  for (const ContainerView& container : profile.containers) {
    json_append(containers, container_value(json, container));
  }
  json_set(json, value, "containers", std::move(containers));
  return value;
}

JsonValue sink_value(JsonDocument& json, const SinkState& sink) {
  JsonValue value = json_object();
  json_set(json, value, "profile", json_copy(json, sink.profile));
  json_set(json, value, "sink", json_copy(json, sink.sink));
  json_set(json, value, "delivered_at", time_or_null(json, sink.delivered_at));
  json_set(json, value, "failures", JsonValue(sink.failures));
  json_set(json, value, "error", sink.error.empty() ? JsonValue() : json_copy(json, sink.error));
  json_set(json, value, "failed_at", time_or_null(json, sink.failed_at));
  return value;
}

}  // namespace

std::string overview_json(const Overview& overview) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(1));
  JsonValue profiles = json_array();
  for (const ProfileView& profile : overview.profiles) {
    json_append(profiles, profile_value(json, profile));
  }
  json_set(json, json, "profiles", std::move(profiles));
  JsonValue sinks = json_array();
  for (const SinkState& sink : overview.sinks) json_append(sinks, sink_value(json, sink));
  json_set(json, json, "sinks", std::move(sinks));
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
