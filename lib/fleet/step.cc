// SPDX-License-Identifier: Apache-2.0
#include "fleet/step.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"

namespace oci_oauth {

namespace {

// The record as this host writes it anew.
LoginRecord rewritten(const LoginRecord& record, const Sight& sight, const std::string& nonce) {
  LoginRecord next = record.copy();
  ++next.serial;
  next.nonce = nonce;
  next.by = sight.host;
  return next;
}

Move stop(FailureKind kind, std::string why, std::string hint,
          std::optional<Milliseconds> retry_after = std::nullopt) {
  return {.act = Act::stop,
          .kind = kind,
          .why = std::move(why),
          .hint = std::move(hint),
          .retry_after = retry_after};
}

Move write(LoginRecord record, std::string why = "") {
  return {.act = Act::write, .record = std::move(record), .why = std::move(why)};
}

// What the store has lost or turned back is put there again, from memory.
std::optional<Move> heal(const Sight& sight, const std::string& nonce) {
  const LoginRecord* const known = sight.memory;
  if (known == nullptr) {
    if (sight.record != nullptr) return std::nullopt;
    return stop(FailureKind::login_required, "the fleet's store has no such login",
                fmt::format("oci-oauth fleet join {}", sight.profile));
  }
  if (sight.record != nullptr && !is_older(*sight.record, *known)) {
    const bool is_other = sight.record->ordinal == known->ordinal &&
                          (sight.record->epoch != known->epoch ||
                           (sight.record->generation == known->generation &&
                            sight.record->refresh_token_hash != known->refresh_token_hash));
    if (!is_other) return std::nullopt;
    return stop(FailureKind::login,
                fmt::format("the store has another login than this host knows: token {} instead of {}",
                            short_fingerprint(sight.record->refresh_token_hash),
                            short_fingerprint(known->refresh_token_hash)),
                fmt::format("log in again, then oci-oauth fleet join {}", known->profile));
  }
  LoginRecord next = rewritten(*known, sight, nonce);
  next.is_healed = true;
  return write(
      std::move(next),
      sight.record == nullptr
          ? fmt::format("the store had lost the login; put it back, generation {}", known->generation)
          : fmt::format("the store had gone back to generation {}; put back generation {}",
                        sight.record->generation, known->generation));
}

// Whether the intent in the record is that of this host's rotation.
bool is_ours(const Sight& sight) {
  return sight.record->intent && sight.record->intent->nonce == sight.note->nonce;
}

Move settle_claim(const Sight& sight, const std::string& nonce) {
  // A write that is still on its way must find another record than it expects.
  if (!is_ours(sight) && sight.record->nonce != sight.note->base) return {.act = Act::forget};
  LoginRecord next = rewritten(*sight.record, sight, nonce);
  if (is_ours(sight)) next.intent = sight.note->replaced;
  return write(std::move(next));
}

Move settle_grant(const Sight& sight, const std::string& nonce) {
  LoginRecord next = rewritten(*sight.record, sight, nonce);
  ++next.generation;
  next.intent.reset();
  next.rest.reset();
  next.state = LoginState::live;
  next.why.clear();
  next.is_healed = false;
  return {.act = Act::commit, .record = std::move(next)};
}

Move settle_refusal(const Sight& sight, const std::string& nonce) {
  if (!is_ours(sight)) return {.act = Act::forget};
  LoginRecord next = rewritten(*sight.record, sight, nonce);
  next.intent = sight.note->replaced;
  next.rest = sight.note->rest;
  if (!sight.note->rest) {
    next.state = LoginState::dead;
    next.why = sight.note->why;
  }
  return write(std::move(next));
}

// What this host has begun and not finished. nullopt: nothing that can be finished.
std::optional<Move> settle(const Sight& sight, const std::string& nonce) {
  if (sight.note == nullptr) return std::nullopt;
  const RotationNote& note = *sight.note;
  const LoginRecord& record = *sight.record;
  if (!is_current(record, note)) {
    Move move = {.act = Act::forget};
    if (note.progress == RotationStage::granted)
      move.why = fmt::format("the answer for token {} came too late: the fleet has a newer login",
                             short_fingerprint(note.refresh_token_hash));
    return move;
  }
  switch (note.progress) {
    case RotationStage::claiming:
      return settle_claim(sight, nonce);
    case RotationStage::refused:
      return settle_refusal(sight, nonce);
    case RotationStage::granted:
      return settle_grant(sight, nonce);
    case RotationStage::sent:
      break;
  }
  if (record.intent || record.state != LoginState::live) return std::nullopt;
  // A store that has gone back does not know that the token may be spent.
  LoginRecord next = rewritten(record, sight, nonce);
  next.intent = Intent{note.nonce, sight.host, sight.now, 1};
  return write(std::move(next));
}

// A login that is over has nothing to lose, so a newer one replaces it by itself.
std::optional<Move> adopt(const Sight& sight, const std::string& nonce) {
  if (!sight.local || sight.local->expires_at <= sight.now || !is_newer(*sight.local, *sight.record))
    return std::nullopt;
  LoginRecord next;
  next.profile = sight.record->profile;
  next.epoch = next.nonce = nonce;
  next.ordinal = sight.record->ordinal + 1;
  next.by = sight.host;
  next.refresh_token_hash = sight.local->refresh_token_hash;
  next.obtained_at = sight.now;
  next.expires_at = sight.local->expires_at;
  next.state = LoginState::joining;
  return Move{.act = Act::adopt, .record = std::move(next)};
}

// The login is live once its host does not have the refresh token any more: it is in two places at no time
// that anybody could use it.
Move finish_joining(const Sight& sight, const std::string& nonce) {
  const LoginRecord& record = *sight.record;
  const bool has_it = sight.local && sight.local->refresh_token_hash == record.refresh_token_hash;
  // Its client has refreshed it meanwhile.
  if (auto move = record.by == sight.host ? adopt(sight, nonce) : std::nullopt) return std::move(*move);
  if (record.by != sight.host || (sight.local && !has_it))
    return stop(FailureKind::busy, fmt::format("the host {} is moving the login into the store", record.by),
                fmt::format("on {}: oci-oauth fleet join {}", record.by, record.profile));
  LoginRecord next = rewritten(record, sight, nonce);
  if (has_it) return {.act = Act::adopt, .record = std::move(next)};
  next.state = LoginState::live;
  return write(std::move(next));
}

Move claim(const Sight& sight, const std::string& nonce, std::uint32_t attempt) {
  const LoginRecord& record = *sight.record;
  LoginRecord next = rewritten(record, sight, nonce);
  next.intent = Intent{nonce, sight.host, sight.now, attempt};
  next.rest.reset();
  next.state = LoginState::live;
  return {.act = Act::claim,
          .record = std::move(next),
          .note = RotationNote{RotationStage::claiming, nonce, record.nonce, record.epoch, record.ordinal,
                               record.generation, record.refresh_token_hash, record.intent}};
}

// Somebody has sent the token, or is about to.
Move respect(const Sight& sight, const std::string& nonce) {
  const LoginRecord& record = *sight.record;
  const Intent& intent = *record.intent;
  if (sight.intent_watched < longest_intent) return {.act = Act::wait};
  const std::string unanswered =
      fmt::format("a refresh of token {} began at {} on {}, and its answer never arrived",
                  short_fingerprint(record.refresh_token_hash), rfc3339(intent.began_at), intent.by);
  if (sight.takeover == Takeover::now) return claim(sight, nonce, 2);
  if (intent.attempt > 1) {
    LoginRecord next = rewritten(record, sight, nonce);
    next.state = LoginState::dead;
    next.why = unanswered + ", at the second attempt";
    return write(std::move(next));
  }
  const std::string takeover = fmt::format("oci-oauth fleet takeover {}", record.profile);
  const Time moment = record.expires_at - late;
  if (sight.now < moment)
    return stop(FailureKind::unknown, fmt::format("{}; it is tried again at {}", unanswered, rfc3339(moment)),
                takeover, moment - sight.now);
  if (sight.takeover == Takeover::late) return claim(sight, nonce, 2);
  return stop(FailureKind::login_required, unanswered, takeover);
}

// nullopt: this host may refresh, as far as it has been in touch with the store.
std::optional<Move> settle_down(const Sight& sight) {
  const Milliseconds known =
      sight.record->is_healed ? std::min(sight.watched, sight.record_watched) : sight.watched;
  if (known >= sight.settle) return std::nullopt;
  return stop(FailureKind::busy,
              fmt::format("this host has been in touch with the fleet's store for only {}, and refreshes "
                          "after {}",
                          describe(known), describe(sight.settle)),
              "wait, or refresh on another host", sight.settle - known);
}

}  // namespace

bool is_current(const LoginRecord& record, const RotationNote& note) {
  return record.epoch == note.epoch && record.generation == note.generation &&
         record.refresh_token_hash == note.refresh_token_hash && record.state != LoginState::moved;
}

bool is_newer(const LocalLogin& local, const LoginRecord& record) {
  return local.refresh_token_hash != record.refresh_token_hash && local.expires_at > record.expires_at &&
         local.expires_at < end_of_time;
}

Move next_move(const Sight& sight, const std::string& nonce) {
  if (auto move = heal(sight, nonce)) return std::move(*move);
  if (auto move = settle(sight, nonce)) return std::move(*move);
  const LoginRecord& record = *sight.record;
  if (record.state == LoginState::moved)
    return stop(FailureKind::login_required, fmt::format("the login was moved to the host {}", record.by),
                fmt::format("oci-oauth fleet join {}", record.profile));
  if (record.state == LoginState::joining) return finish_joining(sight, nonce);
  if (record.state == LoginState::dead) {
    if (auto move = adopt(sight, nonce)) {
      auto early = settle_down(sight);
      return std::move(early ? *early : *move);
    }
  }
  if (!sight.is_wanted) return {};
  if (record.state == LoginState::dead && sight.takeover != Takeover::now)
    return stop(FailureKind::login_required, record.why,
                "log in again on a refresher, which takes the new login into the store");
  if (auto move = settle_down(sight)) return std::move(*move);
  if (sight.is_behind && !record.intent)
    return stop(FailureKind::busy, "the fleet's store has an older access token than this host has published",
                fmt::format("on the host that refreshed last: oci-oauth refresh {}", record.profile));
  if (record.intent) return respect(sight, nonce);
  if (!record.rest || record.rest->until <= sight.now || sight.is_forced) return claim(sight, nonce, 1);
  return stop(record.rest->kind,
              fmt::format("no request to the token endpoint before {}: {}", rfc3339(record.rest->until),
                          record.rest->why),
              fmt::format("wait, or override it once: oci-oauth refresh --force {}", record.profile),
              record.rest->until - sight.now);
}

}  // namespace oci_oauth
