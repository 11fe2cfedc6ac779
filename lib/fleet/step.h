// SPDX-License-Identifier: Apache-2.0
// What a refresher of a fleet does next, from what it knows: the record in the store, its journal and its
// memory. A rotation is a row of such steps, and one that was interrupted goes on with the next. Pure: time
// and chance are arguments.
//
// There is no lock and no lease. Before the refresh token is sent, its sender puts an intent into the record,
// by a write over exactly what it has read. Nobody but the server knows whether a token was spent whose
// sender never came back: it is tried once more when the access token is about to end, and not before,
// because a second use may revoke the whole login (RFC 9700 section 4.14.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "config/config.h"
#include "fleet/record.h"

namespace oci_oauth {

// How far a rotation of this host has come, durable before the next thing is done.
enum class RotationStage {
  claiming,  // the intent is about to be written; nothing is sent
  sent,      // the refresh token may have been sent
  granted,   // the answer is in the journal
  refused    // the answer was a refusal, and what follows from it is below
};
constexpr std::array<std::string_view, 4> words_of(RotationStage) {
  return {"claiming", "sent", "granted", "refused"};
}

struct RotationNote {
  RotationStage progress = RotationStage::claiming;
  std::string nonce;  // of the intent
  std::string base;   // of the record that it was written over
  std::string epoch;
  std::uint64_t ordinal = 1, generation = 1;
  std::string refresh_token_hash;
  std::optional<Intent> replaced = {};  // an earlier intent, whose holder is silent
  std::optional<FleetRest> rest = {};   // of a refusal that is not for good
  std::string why = {};                 // of one that is

  friend bool operator==(const RotationNote&, const RotationNote&) = default;
};

void describe(auto& each, RecordOf<RotationNote> auto& note) {
  each("progress", note.progress, Presence::required);
  each("nonce", note.nonce, Presence::required);
  each("base", note.base);
  each("epoch", note.epoch, Presence::required);
  each("ordinal", note.ordinal, Presence::required);
  each("generation", note.generation, Presence::required);
  each("refresh_token_hash", note.refresh_token_hash, Presence::required);
  each("replaced", note.replaced);
  each("rest", note.rest);
  each("why", note.why);
}

// A holder that lives is done by then: a request takes 25 s at most.
constexpr Milliseconds longest_intent = std::chrono::seconds(40);
// The end of an access token that a late attempt does not wait for.
constexpr Milliseconds late = std::chrono::minutes(2);

// A refresh token in this host's own document, from which the fleet's login was taken: a person has logged in
// here since, or an old document is back.
struct LocalLogin {
  std::string refresh_token_hash;
  Time expires_at;  // of the access token beside it
};

// Whether it was made after the last refresh of the record, as far as the ends of both access tokens tell.
bool is_newer(const LocalLogin& local, const LoginRecord& record);

// What a decision depends on.
struct Sight {
  const LoginRecord* record = nullptr;  // in the store; nullptr: none
  const LoginRecord* memory = nullptr;  // the newest one that this host knows of; nullptr: none
  const RotationNote* note = nullptr;   // nullptr: no rotation of this host is unfinished
  std::string profile = {}, host = {};
  Time now = {};
  Milliseconds watched{0};                        // since when this host has been in touch with the store
  Milliseconds record_watched{0};                 // since when it has seen this very record
  Milliseconds intent_watched{0};                 // since when it has seen this very intent
  Milliseconds settle = std::chrono::minutes(2);  // how long it must have been in touch
  bool is_wanted = false;                         // the token is due
  bool is_behind = false;                         // this host has published a newer token than the record's
  bool is_forced = false;                         // a pause does not count
  Takeover takeover = Takeover::late;
  std::optional<LocalLogin> local = {};
};

enum class Act {
  nothing,  // the record is as it should be
  write,    // `record` over what was read, then look again
  commit,   // the same, with the granted document
  forget,   // the journal is of no use any more, then look again
  adopt,    // write `record` with this host's own document, let that keep its access token only, look again
  claim,    // note `note` as claiming, connect, write `record`, note it as sent, send
  wait,     // another host is at it
  stop      // for the reason that is told
};

struct Move {
  Act act = Act::nothing;
  std::optional<LoginRecord> record = {};  // to be written; its nonce is the caller's
  std::optional<RotationNote> note = {};   // of a claim
  FailureKind kind = FailureKind::busy;    // of stop
  std::string why = {}, hint = {};         // of stop; of write and forget if a person should know
  std::optional<Milliseconds> retry_after = {};
};

// `nonce`: a new one, which no record had.
Move next_move(const Sight& sight, const std::string& nonce);

// Whether the rotation of `note` is still the newest of that record.
bool is_current(const LoginRecord& record, const RotationNote& note);

}  // namespace oci_oauth
