// SPDX-License-Identifier: Apache-2.0
// Keeps one login fresh: lock, re-read, still due?, prove that the answer can be stored, one POST, durable on
// disk. Runs as the login's owner and is the only code that handles a refresh token.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "refresh/login_owner.h"
#include "refresh/token_request.h"
#include "token/config.h"
#include "token/provider.h"
#include "token/published.h"

namespace oci_oauth {

enum class Force { no, yes };
enum class Endpoint { asked, left_alone };

struct ExchangeRequest {
  Profile profile;
  Provider provider;
  Published
      published;  // what we know from earlier runs: the token's first sight, cool-down, a dead refresh token
  Force force = Force::no;
  Milliseconds min_ttl{0};  // refresh also where less than this is left
  Endpoint endpoint = Endpoint::asked;
  std::optional<LoginOwner> owner;  // whom to become for it; nullopt: whoever runs it is the one
};

// What may be published of a login: never a refresh token.
struct LoginSnapshot {
  FileStamp stamp;
  std::string access_token_hash, refresh_token_hash;
  Time expires_at;
  std::optional<Time> login_expires_at;
  std::vector<std::pair<std::string, Secret>> files;  // name and content, for share/NAME
};

struct ExchangeFailure {
  FailureKind kind = FailureKind::server;
  std::string message, hint;
  std::optional<Milliseconds> retry_after;
  std::string dead_refresh_token_hash;  // kind login_required, refused by the server
};

struct ExchangeReport {
  bool refreshed = false;                  // a request was granted in this run
  std::optional<LoginSnapshot> login;      // the login as it is now; empty where it cannot be read
  std::optional<ExchangeFailure> failure;  // why a refresh that was due did not happen
  std::vector<std::string> notices;        // what a person should know all the same
  std::chrono::microseconds stored_in{0};  // from the answer's last byte to the synced journal
};

// `stop` is asked while waiting for locks: true ends the run before anything is sent. Once a request is sent,
// the run goes on to the end whatever happens.
ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop);

// The request as text for the program that does the exchange, and back: what keep_fresh needs of it. Failure:
// a text that is none.
std::string format_request(const ExchangeRequest& request);
Result<ExchangeRequest> parse_request(std::string_view text);

// The report as one line of text for the process that publishes, and back. Failure: a text that is none.
Secret format_report(const ExchangeReport& report);
Result<void> send_report(int fd, const ExchangeReport& report);  // ends in a newline
Result<ExchangeReport> parse_report(std::string_view text);

}  // namespace oci_oauth
