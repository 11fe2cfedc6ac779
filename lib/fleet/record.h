// SPDX-License-Identifier: Apache-2.0
// The two records that a fleet has of a login, as they are in the store: `login`, which only refreshers open,
// and `access`, which every host opens and only refreshers sign. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/record.h"
#include "base/secret.h"
#include "base/time.h"
#include "token/failure_table.h"

namespace oci_oauth {

// The type is before the profile, and the login before the access token, because a watch of some versions of
// etcd also shows what sorts after the keys that its user may read (CVE-2026-73499).
constexpr std::string_view login_prefix = "/oci-oauth/0-login/", access_prefix = "/oci-oauth/1-access/";
inline std::string login_key(std::string_view profile) {
  return std::string(login_prefix).append(profile);
}
inline std::string access_key(std::string_view profile) {
  return std::string(access_prefix).append(profile);
}

// AES-256-GCM (NIST SP 800-38D) under a key of its own, which HKDF-SHA256 (RFC 5869) derives from the key
// `kid` and the salt. Binary members are base64.
struct Seal {
  std::string kid, salt, data;

  friend bool operator==(const Seal&, const Seal&) = default;
};

void describe(auto& each, RecordOf<Seal> auto& seal) {
  each("kid", seal.kid);
  each("salt", seal.salt);
  each("data", seal.data);
}

// Somebody is about to send the refresh token, or has sent it.
struct Intent {
  std::string nonce, by;  // by: a host, for people
  Time began_at = {};     // for people
  std::uint32_t attempt = 1;

  friend bool operator==(const Intent&, const Intent&) = default;
};

void describe(auto& each, RecordOf<Intent> auto& intent) {
  each("nonce", intent.nonce, Presence::required);
  each("by", intent.by, Presence::required);
  each("began_at", intent.began_at, Presence::required);
  each("attempt", intent.attempt, Presence::required);
}

// The token endpoint wants to be left alone, by the whole fleet.
struct FleetRest {
  Time until = {};
  FailureKind kind = FailureKind::throttled;
  std::uint32_t failures = 1;  // consecutive
  std::string why = {};

  friend bool operator==(const FleetRest&, const FleetRest&) = default;
};

void describe(auto& each, RecordOf<FleetRest> auto& rest) {
  each("until", rest.until, Presence::required);
  each("kind", rest.kind, Presence::required);
  each("failures", rest.failures, Presence::required);
  each("why", rest.why);
}

enum class LoginState {
  live,
  dead,     // the server refused the refresh token, or may have spent it: a person must log in again
  moved,    // a host took it back
  joining,  // the host that wrote it still has the refresh token, or has just removed it
};
constexpr std::array<std::string_view, 4> words_of(LoginState) {
  return {"live", "dead", "moved", "joining"};
}

struct LoginRecord {
  static constexpr int version = 1;
  static constexpr std::string_view purpose = "oci-oauth login v1";  // of its seal's key

  std::string profile;
  std::string epoch;             // the name of a login that a person made
  std::uint64_t ordinal = 1;     // counts these
  std::uint64_t generation = 1;  // counts the rotations of one
  std::uint64_t serial = 1;      // counts the records that were written
  std::string nonce;             // another one in each record that was ever written
  std::string by;                // the host that wrote it, for people
  std::string refresh_token_hash;
  Time obtained_at = {}, expires_at = {};  // of the access token
  std::optional<Intent> intent = {};
  std::optional<FleetRest> rest = {};
  LoginState state = LoginState::live;
  std::string why = {};    // of a dead login
  bool is_healed = false;  // from a refresher's memory, after the store lost or turned back the record
  Seal seal = {};
  Secret document = {};  // the whole credential document, sealed in the record

  LoginRecord copy() const;
  friend bool operator==(const LoginRecord&, const LoginRecord&) = default;
};

void describe(auto& each, RecordOf<LoginRecord> auto& login) {
  each("profile", login.profile, Presence::required);
  each("epoch", login.epoch, Presence::required);
  each("ordinal", login.ordinal, Presence::required);
  each("generation", login.generation, Presence::required);
  each("serial", login.serial, Presence::required);
  each("nonce", login.nonce, Presence::required);
  each("by", login.by);
  each("refresh_token_hash", login.refresh_token_hash);
  each("obtained_at", login.obtained_at, Presence::required);
  each("expires_at", login.expires_at, Presence::required);
  each("intent", login.intent, Presence::nullable);
  each("rest", login.rest, Presence::nullable);
  each("state", login.state, Presence::required);
  each("why", login.why);
  each("is_healed", login.is_healed);
  each("seal", login.seal, Presence::required);
}

// What a record's rules are besides its types.
Result<void> check(const LoginRecord& login);

struct AccessRecord {
  static constexpr int version = 1;
  static constexpr std::string_view purpose = "oci-oauth access v1";

  std::string profile, epoch;
  std::uint64_t ordinal = 1, generation = 1;
  Time obtained_at = {}, expires_at = {};
  Seal seal = {};
  std::string signer, signature;  // the kid of the key, and Ed25519 (RFC 8032) over the rest
  Secret payload = {};            // sealed: the report that is published (worker/exchange_report.h)

  friend bool operator==(const AccessRecord&, const AccessRecord&) = default;
};

void describe(auto& each, RecordOf<AccessRecord> auto& access) {
  each("profile", access.profile, Presence::required);
  each("epoch", access.epoch, Presence::required);
  each("ordinal", access.ordinal, Presence::required);
  each("generation", access.generation, Presence::required);
  each("obtained_at", access.obtained_at, Presence::required);
  each("expires_at", access.expires_at, Presence::required);
  each("seal", access.seal, Presence::required);
  each("signer", access.signer, Presence::required);
  each("signature", access.signature);
}

Result<void> check(const AccessRecord& access);

// Whether a record is of an older login than another one, of an older generation of the same, or was written
// before it.
bool is_older(const auto& record, const auto& than) {
  if (record.ordinal != than.ordinal) return record.ordinal < than.ordinal;
  if (record.generation != than.generation) return record.generation < than.generation;
  if constexpr (requires { record.serial < than.serial; }) return record.serial < than.serial;
  return false;
}

}  // namespace oci_oauth
