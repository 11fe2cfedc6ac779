// SPDX-License-Identifier: Apache-2.0
// What an exchange is asked to do, and its encoding for the program that does it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/record.h"
#include "base/time.h"
#include "config/config.h"
#include "config/key_record.h"
#include "config/provider.h"
#include "token/records.h"
#include "worker/fleet_access.h"
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

// For oci-oauth-login, in place of a refresh.
enum class LoginAction { log_in, log_out };
constexpr std::array<std::string_view, 2> words_of(LoginAction) {
  return {"log_in", "log_out"};
}
enum class LoginFlow { automatic, device, code };  // RFC 8628; RFC 6749 section 4.1 with PKCE
constexpr std::array<std::string_view, 3> words_of(LoginFlow) {
  return {"automatic", "device", "code"};
}
struct LoginTask {
  LoginAction action = LoginAction::log_in;
  LoginFlow flow = LoginFlow::automatic;
  int browser = -1;  // a descriptor that the program inherits: an address written to it is opened; -1: none
};

void describe(auto& each, RecordOf<LoginTask> auto& task) {
  each("action", task.action, Presence::required);
  each("flow", task.flow, Presence::required);
  each("browser", task.browser, Presence::required);
}

// What a refresh is for.
struct RefreshAim {
  Force force = Force::no;
  Milliseconds min_ttl{0};               // refresh also if less than this is left
  Endpoint endpoint = Endpoint::asked;   // left alone: publish the login's token, whatever its age
  std::string rejected_token_hash = {};  // of a token that a server refused: it must not be kept
};

struct ExchangeRequest : RefreshAim {
  static constexpr int version = 4;

  ExchangeRequest() = default;
  explicit ExchangeRequest(const RefreshAim& aim) : RefreshAim(aim) {}

  Profile profile;
  Provider provider;
  ProfileRecords known;  // from earlier runs
  // From the client_secret_file, and the token in share/ if the login has no place for one; empty: none.
  Secret client_secret = {}, published_token = {};
  std::optional<LoginOwner> owner = {};  // the user to become first; nullopt: keep the current one
  std::optional<LoginTask> login = {};
  std::optional<FleetAccess> fleet = {};  // the login is in a fleet's store
};

// An identity is never guessed.
void describe(auto& each, RecordOf<LoginOwner> auto& owner) {
  each("uid", owner.uid, Presence::required);
  each("gid", owner.gid, Presence::required);
  each("groups", owner.groups, Presence::required);
  each("name", owner.name);
}

void describe(auto& each, RecordOf<ExchangeRequest> auto& request) {
  each("profile", request.profile, Presence::required);
  each("provider", request.provider, Presence::required);
  each("published", request.known.published, Presence::required);
  each("history", request.known.history, Presence::required);
  each("force", request.force);
  each("min_ttl_ms", request.min_ttl);
  each("endpoint", request.endpoint);
  each("rejected_token_hash", request.rejected_token_hash);
  each("client_secret", request.client_secret);
  each("published_token", request.published_token);
  each("owner", request.owner);
  each("login", request.login);
  each("fleet", request.fleet);
}

}  // namespace oci_oauth
