// SPDX-License-Identifier: Apache-2.0
// What a fleet's store has of a login, for people. Never a secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/record.h"
#include "base/time.h"

namespace oci_oauth {

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

}  // namespace oci_oauth
