// SPDX-License-Identifier: Apache-2.0
// What refreshes of a profile remember for the next one, and for status and metrics:
// runtime_dir/refreshes/NAME.json. No hook reads it. Never a token.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/record.h"
#include "base/time.h"
#include "token/published.h"

namespace oci_oauth {

// The newest record of a fleet's login that this host has seen.
struct FleetArrival {
  std::uint64_t login = 0, generation = 0;
  Time obtained_at = {}, arrived_at = {};  // the latter by this host's clock
  std::string refreshing = {};             // the host that has begun a refresh, if a refresher saw one
  bool is_refresher = false;               // only those can see it

  bool is_same(const FleetArrival& other) const {
    return login == other.login && generation == other.generation;
  }
};

void describe(auto& each, RecordOf<FleetArrival> auto& arrival) {
  each("login", arrival.login, Presence::required);
  each("generation", arrival.generation, Presence::required);
  each("obtained_at", arrival.obtained_at, Presence::required);
  each("arrived_at", arrival.arrived_at, Presence::required);
  each("refreshing", arrival.refreshing);
  each("is_refresher", arrival.is_refresher);
}

struct RefreshHistory {
  static constexpr int version = 1;

  Milliseconds token_life{0};        // of the last token that was granted; zero: none was
  std::optional<Time> refreshed_at;  // our own last refresh
  std::optional<Time> login_expires_at;
  unsigned failures = 0;  // consecutive
  // The identity of a request as far as its answer depends on it: refresh token, endpoint, client and scopes
  // (request_hash of the exchange). The one that the server refused permanently, and the one of the last
  // failure, whose pause applies to no other; empty: none.
  std::string dead_request_hash, failed_request_hash;
  // The number of attempts by outcome, for metrics: "refreshed", or the word of a FailureKind.
  std::map<std::string, std::uint64_t, std::less<>> outcomes;
  std::optional<FleetArrival> fleet = {};
};

void describe(auto& each, RecordOf<RefreshHistory> auto& history) {
  each("token_life_ms", history.token_life);
  each("refreshed_at", history.refreshed_at);
  each("login_expires_at", history.login_expires_at);
  each("failures", history.failures);
  each("dead_request_hash", history.dead_request_hash);
  each("failed_request_hash", history.failed_request_hash);
  each("outcomes", history.outcomes);
  each("fleet", history.fleet);
}

// What is known of a profile before and after a refresh.
struct ProfileRecords {
  Published published;
  RefreshHistory history;
};

}  // namespace oci_oauth
