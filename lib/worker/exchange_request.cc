// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_request.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr std::string_view request_source = "exchange request";
constexpr int request_version = 2;  // of the text

// The members that an exchange needs, for writing and for reading: `member` is called with each key and its
// place.
template <class Profile, class Member>
void each_text_of_profile(Profile& profile, const Member& member) {
  member("name", profile.name);
  member("credentials", profile.credentials);
  member("token_url", profile.token_url);
  member("ca_file", profile.ca_file);
  member("user_agent", profile.user_agent);
  member("proxy", profile.proxy);
}

template <class Provider, class Member>
void each_text_of_provider(Provider& provider, const Member& member) {
  member("token_url", provider.token_url);
  member("client_id", provider.client_id);
  member("user_agent", provider.user_agent);
  member("access_token", provider.fields.access_token);
  member("refresh_token", provider.fields.refresh_token);
  member("expires_at", provider.fields.expires_at);
  member("scopes", provider.fields.scopes);
  member("login_expires_at", provider.fields.login_expires_at);
  member("lock_owner", provider.lock_owner);
  member("client_id_field", provider.fields.client_id);
}

JsonValue locks_value(JsonDocument& json, const std::vector<ProviderLock>& locks) {
  JsonValue value = json_array();
  for (const ProviderLock& lock : locks) {
    JsonValue item = json_object();
    json_set(json, item, "path", json_copy(json, lock.path));
    json_set(json, item, "stale_after", JsonValue(std::int64_t{lock.stale_after.count()}));
    json_append(value, std::move(item));
  }
  return value;
}

JsonValue profile_value(JsonDocument& json, const Profile& profile) {
  JsonValue value = json_object();
  each_text_of_profile(profile, [&](std::string_view key, const std::string& text) {
    json_set(json, value, key, json_copy(json, text));
  });
  json_set(json, value, "refresh_before", JsonValue(std::int64_t{profile.refresh_before.count()}));
  return value;
}

JsonValue provider_value(JsonDocument& json, const Provider& provider) {
  JsonValue value = json_object();
  each_text_of_provider(provider, [&](std::string_view key, const std::string& text) {
    json_set(json, value, key, json_copy(json, text));
  });
  json_set(json, value, "body", JsonValue(static_cast<int>(provider.body)));
  json_set(json, value, "scope", JsonValue(static_cast<int>(provider.scope)));
  json_set(json, value, "unit", JsonValue(static_cast<int>(provider.fields.unit)));
  json_set(json, value, "login_end", JsonValue(static_cast<int>(provider.fields.login_end)));
  json_set(json, value, "locks", to_json(provider.locks));
  json_set(json, value, "save_locks", locks_value(json, provider.save_locks));
  json_set(json, value, "terminal_errors", to_json(provider.terminal_errors));
  JsonValue deliver = json_object();
  for (const DeliveredFile& file : provider.deliver) json_set(json, deliver, file.name, to_json(file.fields));
  json_set(json, value, "deliver", std::move(deliver));
  return value;
}

std::string read_text(const JsonValue& object, std::string_view key) {
  return std::string(json_string(object, key).value_or(""));
}

std::vector<std::string> read_texts(const JsonValue* value) {
  std::vector<std::string> texts;
  if (value == nullptr || !value->IsArray()) return texts;
  for (const JsonValue& text : value->GetArray()) {
    if (text.IsString()) texts.emplace_back(json_text(text));
  }
  return texts;
}

std::vector<ProviderLock> read_locks(const JsonValue* value) {
  std::vector<ProviderLock> locks;
  if (value == nullptr || !value->IsArray()) return locks;
  for (const JsonValue& item : value->GetArray()) {
    if (const auto path = json_string(item, "path")) {
      locks.push_back({std::string(*path), Milliseconds(json_int(item, "stale_after").value_or(0))});
    }
  }
  return locks;
}

template <class Enum>
Enum read_enum(const JsonValue& object, std::string_view key) {
  return json_int(object, key) == 1 ? Enum{1} : Enum{0};
}

JsonValue owner_value(JsonDocument& json, const LoginOwner& owner) {
  JsonValue value = json_object(), groups = json_array();
  for (const gid_t group : owner.groups) json_append(groups, group);
  json_set(json, value, "uid", JsonValue(owner.uid));
  json_set(json, value, "gid", JsonValue(owner.gid));
  json_set(json, value, "groups", std::move(groups));
  json_set(json, value, "name", json_copy(json, owner.name));
  return value;
}

// An identity is never guessed: an id that is missing or out of range makes the request invalid.
Result<LoginOwner> read_owner(const JsonValue& value) {
  const JsonValue* uid = json_member(value, "uid");
  const JsonValue* gid = json_member(value, "gid");
  const JsonValue* groups = json_member(value, "groups");
  const auto is_id = [](const JsonValue& id) { return id.IsUint(); };
  const bool understood = uid != nullptr && is_id(*uid) && gid != nullptr && is_id(*gid) &&
                          groups != nullptr && groups->IsArray() &&
                          std::all_of(groups->Begin(), groups->End(), is_id);
  if (!understood)
    return Error{ErrorKind::failed, fmt::format("{}: the owner is missing or invalid", request_source)};
  LoginOwner owner = {uid->GetUint(), gid->GetUint(), {}, read_text(value, "name")};
  for (const JsonValue& group : groups->GetArray()) owner.groups.push_back(group.GetUint());
  return owner;
}

Profile read_profile(const JsonValue& value) {
  Profile profile;
  each_text_of_profile(profile,
                       [&](std::string_view key, std::string& text) { text = read_text(value, key); });
  profile.refresh_before = Milliseconds(json_int(value, "refresh_before").value_or(0));
  return profile;
}

Provider read_provider(const JsonValue& value) {
  Provider provider;
  each_text_of_provider(provider,
                        [&](std::string_view key, std::string& text) { text = read_text(value, key); });
  provider.body = read_enum<BodyEncoding>(value, "body");
  provider.scope = read_enum<ScopeRule>(value, "scope");
  provider.fields.unit = read_enum<ExpiryUnit>(value, "unit");
  provider.fields.login_end = read_enum<LoginEndRule>(value, "login_end");
  provider.locks = read_texts(json_member(value, "locks"));
  provider.save_locks = read_locks(json_member(value, "save_locks"));
  provider.terminal_errors = read_texts(json_member(value, "terminal_errors"));
  if (const JsonValue* deliver = json_member(value, "deliver"); deliver != nullptr && deliver->IsObject()) {
    for (const auto& file : deliver->GetObject()) {
      provider.deliver.push_back({std::string(json_text(file.name)), read_texts(&file.value)});
    }
  }
  return provider;
}

}  // namespace

std::string format_request(const ExchangeRequest& request) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(request_version));
  json_set(json, json, "profile", profile_value(json, request.profile));
  json_set(json, json, "provider", provider_value(json, request.provider));
  json_set(json, json, "published", json_copy(json, format_published(request.published)));
  json_set(json, json, "force", JsonValue(request.force == Force::yes));
  json_set(json, json, "min_ttl", JsonValue(std::int64_t{request.min_ttl.count()}));
  json_set(json, json, "offline", JsonValue(request.endpoint == Endpoint::left_alone));
  json_set(json, json, "rejected_token_hash", json_copy(json, request.rejected_token_hash));
  if (request.owner) json_set(json, json, "owner", owner_value(json, *request.owner));
  return std::string(write_json(json).reveal());
}

Result<ExchangeRequest> parse_request(std::string_view text) {
  auto json = TRY(parse_json(text, request_source));
  if (json_int(json, "version") != request_version) {
    return Error{ErrorKind::failed, fmt::format("{}: has another version", request_source),
                 "restart the program that sent it: it was started before an upgrade"};
  }
  const JsonValue* profile = json_member(json, "profile");
  const JsonValue* provider = json_member(json, "provider");
  if (profile == nullptr || provider == nullptr) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: the profile or the provider is missing", request_source)};
  }
  auto published = TRY(parse_published(json_string(json, "published").value_or(""), request_source));
  ExchangeRequest request;
  request.profile = read_profile(*profile);
  request.provider = read_provider(*provider);
  request.published = std::move(published);
  request.force = json_bool(json, "force").value_or(false) ? Force::yes : Force::no;
  request.min_ttl = Milliseconds(json_int(json, "min_ttl").value_or(0));
  request.endpoint = json_bool(json, "offline").value_or(false) ? Endpoint::left_alone : Endpoint::asked;
  request.rejected_token_hash = read_text(json, "rejected_token_hash");
  if (const JsonValue* value = json_member(json, "owner")) {
    request.owner = TRY(read_owner(*value));
  }
  return request;
}

}  // namespace oci_oauth
