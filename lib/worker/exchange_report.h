// SPDX-License-Identifier: Apache-2.0
// What an exchange did and found, and its encoding for the process that publishes or shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/secret.h"
#include "base/time.h"
#include "token/failure_table.h"
#include "token/records.h"

namespace oci_oauth {

// A file for share/NAME.
struct SharedFile {
  std::string name;
  Secret content;
};

void describe(auto& each, RecordOf<SharedFile> auto& file) {
  each("name", file.name);
  each("content", file.content);
}

// What may be published of a login: never a refresh token.
struct LoginSnapshot {
  FileStamp stamp;
  bool is_on_local_storage = true;
  std::string access_token_hash;
  std::string request_hash;  // of the request that would refresh it (RefreshHistory)
  Time expires_at;
  bool can_be_refreshed = true;  // false: the login has no refresh token
  std::optional<Time> login_expires_at;
  std::vector<SharedFile> files;
};

void describe(auto& each, RecordOf<LoginSnapshot> auto& login) {
  each("stamp", login.stamp, Presence::required);
  each("is_on_local_storage", login.is_on_local_storage);
  each("access_token_hash", login.access_token_hash);
  each("request_hash", login.request_hash);
  each("expires_at", login.expires_at, Presence::required);
  each("can_be_refreshed", login.can_be_refreshed);
  each("login_expires_at", login.login_expires_at);
  each("files", login.files);
}

struct ExchangeFailure {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  std::optional<Milliseconds> retry_after = {};
  std::string request_hash = {};  // of the request that failed; empty: it was not known yet
  bool is_known = false;          // nothing was attempted: an earlier failure still holds
};

void describe(auto& each, RecordOf<ExchangeFailure> auto& failure) {
  each("kind", failure.kind, Presence::required);
  each("message", failure.message);
  each("hint", failure.hint);
  each("retry_after_ms", failure.retry_after);
  each("request_hash", failure.request_hash);
  each("is_known", failure.is_known);
}

// What a fleet's store has of a login, for people. Never a secret.
struct FleetStatus {
  std::string store, version;                // "etcd", "3.5.16"; empty: it cannot be reached
  std::optional<Milliseconds> clock_behind;  // of this host, after the store's; nullopt: not known
  std::string state;                         // "live", "dead", "moved"; empty: there is no such login
  std::string why, by;                       // why it is dead; the host that wrote the record
  std::uint64_t login = 0, generation = 0;
  std::uint64_t published_login = 0, published = 0;  // what followers have
  std::string refresh_token;                         // its short fingerprint
  std::optional<Time> obtained_at, expires_at;
  std::string refreshing;  // the host that has begun a refresh; empty: none
  std::optional<Time> refreshing_since, rests_until;
  // Of this host: the end of its certificate, the generation that a refresher remembers, and whether a person
  // has logged in here since its login is in the store.
  std::optional<Time> certificate_expires_at;
  std::uint64_t remembered = 0;
  bool has_new_login = false;
};

void describe(auto& each, RecordOf<FleetStatus> auto& status) {
  each("store", status.store);
  each("version", status.version);
  each("clock_behind_ms", status.clock_behind, Presence::nullable);
  each("state", status.state, Presence::nullable);
  each("why", status.why, Presence::nullable);
  each("by", status.by, Presence::nullable);
  each("login", status.login, Presence::required);
  each("generation", status.generation, Presence::required);
  each("published_login", status.published_login, Presence::required);
  each("published", status.published, Presence::required);
  each("refresh_token", status.refresh_token, Presence::nullable);
  each("obtained_at", status.obtained_at, Presence::nullable);
  each("expires_at", status.expires_at, Presence::nullable);
  each("refreshing", status.refreshing, Presence::nullable);
  each("refreshing_since", status.refreshing_since, Presence::nullable);
  each("rests_until", status.rests_until, Presence::nullable);
  each("certificate_expires_at", status.certificate_expires_at, Presence::nullable);
  each("remembered", status.remembered);
  each("has_new_login", status.has_new_login);
}

// What came of an exchange, for whoever asked for it.
struct ExchangeOutcome {
  bool refreshed = false;                       // a request was granted in this run
  std::optional<ExchangeFailure> failure = {};  // why a refresh that was due did not succeed
  std::vector<std::string> notices = {};        // what a person should know even after success
};

struct ExchangeReport : ExchangeOutcome {
  static constexpr int version = 3;

  std::optional<LoginSnapshot> login;     // the current login; empty if it cannot be read
  std::optional<FleetStatus> fleet = {};  // what a fleet's store has, if that was asked
};

void describe(auto& each, RecordOf<ExchangeReport> auto& report) {
  each("refreshed", report.refreshed);
  each("login", report.login);
  each("failure", report.failure);
  each("notices", report.notices);
  each("fleet", report.fleet);
}

}  // namespace oci_oauth
