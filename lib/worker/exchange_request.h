// SPDX-License-Identifier: Apache-2.0
// What an exchange is asked to do, and its encoding for the program that does it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/record.h"
#include "base/time.h"
#include "config/config.h"
#include "config/provider.h"
#include "token/refresh_history.h"
#include "worker/login_owner.h"

namespace oci_oauth {

enum class Force { no, yes };
constexpr std::array<std::string_view, 2> words_of(Force) {
  return {"no", "yes"};
}
enum class Endpoint { asked, left_alone };
constexpr std::array<std::string_view, 2> words_of(Endpoint) {
  return {"asked", "left_alone"};
}

struct ExchangeRequest {
  static constexpr int version = 3;

  Profile profile;
  Provider provider;
  ProfileRecords known;  // from earlier runs
  Force force = Force::no;
  Milliseconds min_ttl{0};  // refresh also if less than this is left
  Endpoint endpoint = Endpoint::asked;
  // An access token that a server refused: it must not be kept, whatever its expiry.
  std::string rejected_token_hash = {};
  std::optional<LoginOwner> owner = {};  // the user to become first; nullopt: keep the current one

  friend bool operator==(const ExchangeRequest&, const ExchangeRequest&) = default;
};

// Of a profile and a provider, what an exchange needs.
template <class Each, RecordOf<Profile> Self>
void describe(Each& each, Self& profile) {
  each("name", profile.name);
  each("credentials", profile.credentials);
  each("token_url", profile.token_url);
  each("ca_file", profile.ca_file);
  each("user_agent", profile.user_agent);
  each("proxy", profile.proxy);
  each("refresh_before_ms", profile.refresh_before, Presence::required);
}

template <class Each, RecordOf<CredentialFields> Self>
void describe(Each& each, Self& fields) {
  each("access_token", fields.access_token);
  each("refresh_token", fields.refresh_token);
  each("expires_at", fields.expires_at);
  each("scopes", fields.scopes);
  each("login_expires_at", fields.login_expires_at);
  each("client_id", fields.client_id);
  each("login_end", fields.login_end);
  each("unit", fields.unit);
}

template <class Each, RecordOf<DeliveredFile> Self>
void describe(Each& each, Self& file) {
  each("name", file.name);
  each("fields", file.fields);
}

template <class Each, RecordOf<ProviderLock> Self>
void describe(Each& each, Self& lock) {
  each("path", lock.path);
  each("stale_after_ms", lock.stale_after, Presence::required);
}

template <class Each, RecordOf<Provider> Self>
void describe(Each& each, Self& provider) {
  each("token_url", provider.token_url);
  each("client_id", provider.client_id);
  each("body", provider.body);
  each("scope", provider.scope);
  each("user_agent", provider.user_agent);
  each("fields", provider.fields, Presence::required);
  each("terminal_errors", provider.terminal_errors);
  each("deliver", provider.deliver);
  each("locks", provider.locks);
  each("lock_owner", provider.lock_owner);
  each("save_locks", provider.save_locks);
}

// An identity is never guessed.
template <class Each, RecordOf<LoginOwner> Self>
void describe(Each& each, Self& owner) {
  each("uid", owner.uid, Presence::required);
  each("gid", owner.gid, Presence::required);
  each("groups", owner.groups, Presence::required);
  each("name", owner.name);
}

template <class Each, RecordOf<ExchangeRequest> Self>
void describe(Each& each, Self& request) {
  each("profile", request.profile, Presence::required);
  each("provider", request.provider, Presence::required);
  each("published", request.known.published, Presence::required);
  each("history", request.known.history, Presence::required);
  each("force", request.force);
  each("min_ttl_ms", request.min_ttl);
  each("endpoint", request.endpoint);
  each("rejected_token_hash", request.rejected_token_hash);
  each("owner", request.owner);
}

// Failure: as read_record.
Result<ExchangeRequest> read_request(std::string_view text);

}  // namespace oci_oauth
