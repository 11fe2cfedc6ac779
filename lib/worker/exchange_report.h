// SPDX-License-Identifier: Apache-2.0
// What an exchange did, and its encoding for the process that publishes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
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
