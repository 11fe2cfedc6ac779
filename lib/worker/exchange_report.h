// SPDX-License-Identifier: Apache-2.0
// What an exchange did, and its encoding for the process that publishes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "token/published.h"

namespace oci_oauth {

// What may be published of a login: never a refresh token.
struct LoginSnapshot {
  FileStamp stamp;
  bool is_on_local_storage = true;
  std::string access_token_hash;
  std::string request_hash;  // of the request that would refresh it (published.h)
  Time expires_at;
  bool can_be_refreshed = true;  // false: the login has no refresh token
  std::optional<Time> login_expires_at;
  std::vector<std::pair<std::string, Secret>> files;  // name and content, for share/NAME
};

struct ExchangeFailure {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  std::optional<Milliseconds> retry_after = {};
  std::string request_hash = {};  // of the request that failed; empty: it was not known yet
  bool is_known = false;          // nothing was attempted: an earlier failure still holds
};

struct ExchangeReport {
  bool refreshed = false;                  // a request was granted in this run
  std::optional<LoginSnapshot> login;      // the current login; empty if it cannot be read
  std::optional<ExchangeFailure> failure;  // why a refresh that was due did not succeed
  std::vector<std::string> notices;        // what a person should know even after success
  std::chrono::microseconds stored_in{0};  // from the last byte of the answer to the synced journal
};

// The report as one line of text for the process that publishes, and back. Failure: the text is not a report.
Secret format_report(const ExchangeReport& report);
Result<void> send_report(int fd, const ExchangeReport& report);  // ends in a newline
Result<ExchangeReport> parse_report(std::string_view text);

}  // namespace oci_oauth
