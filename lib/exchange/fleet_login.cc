// SPDX-License-Identifier: Apache-2.0
#include "exchange/fleet_login.h"

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/exchange_rules.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// The intent is written, the journal synced and the first byte sent within this time, or nothing is sent.
constexpr Milliseconds longest_claim = seconds(3);
constexpr unsigned most_steps = 50;
constexpr auto longest_steps = seconds(75);
// Whoever logs in holds its locks for as long as it writes.

bool has_text(const Secret& text, const Secret& secret) {
  return !secret.empty() && text.reveal().find(secret.reveal()) != std::string_view::npos;
}

// The document without its refresh token and its client's secret. Failure: one of them is also elsewhere in
// it.
Result<Secret> access_only(const CredentialDocument& document, const CredentialFields& fields) {
  JsonValue json = TRY(parse_json(document.text().reveal(), ""));
  for (const std::string& pointer : {fields.refresh_token, fields.client_secret}) {
    const auto path = parse_json_pointer(pointer);
    if (path && json_at(json, *path) != nullptr) json_set_at(json, *path, to_json(""));
  }
  Secret text = write_json(json);
  const Login& login = document.login();
  if (!has_text(text, login.refresh_token) && !has_text(text, login.client_secret)) return text;
  return Error{ErrorKind::failed, "the login has its refresh token or its client's secret in two places"};
}

}  // namespace

std::optional<LocalLogin> local_login(Secret text, const CredentialFields& fields) {
  const auto document = CredentialDocument::parse(std::move(text), "", fields);
  if (!document || document->login().refresh_token.empty()) return std::nullopt;
  return LocalLogin{fingerprint(document->login().refresh_token), expiry_of(document->login())};
}

Result<std::vector<DirectoryIdentity>> FleetLogin::connect() {
  record_.emplace(TRY(FleetRecord::open(tools_.request, tools_.store, opener_)));
  Journal& journal = tools_.store.journal();
  auto entry = TRY(journal.replay()).value_or(JournalEntry());
  if (entry.rotation) {
    note_ = std::move(entry.rotation);
    grant_ = std::move(entry.grant);
    if (grant_) note_->progress = RotationStage::granted;
  } else if (!entry.refresh_token_hash.empty()) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: contains a refresh from before the login was the fleet's", journal.shown()),
                 fmt::format("oci-oauth fleet join {}", tools_.request.profile.name)};
  }
  return std::move(entry.locks);
}

Result<CredentialDocument> FleetLogin::open() {
  const auto left = TRY(connect());
  tools_.locks.tidy_up(left, LoginLocks::Use::saving);
  // A client that refreshes the login before it has moved is told from its document.
  tools_.locks.tidy_up(left, LoginLocks::Use::refresh);
  return find();
}

// Finishes what can be finished, and reads the login as it is then.
Result<CredentialDocument> FleetLogin::find() {
  const Endpoint endpoint = tools_.request.endpoint;
  move_ = TRY(look(endpoint));
  if (move_.act == Act::adopt) {
    TRY(tools_.locks.take());
    auto moved = move_in(std::move(*move_.record));
    tools_.locks.give_back();
    TRY(std::move(moved));
    before_.clear();  // a forced request is the new login's
    tools_.report.failure.reset();
    move_ = TRY(look(endpoint));
  }
  const LoginRecord* const there = record_->get();
  if (there == nullptr || there->state == LoginState::moved)
    return Error{ErrorKind::action_required, move_.why, move_.hint};
  return record_->document();
}

Result<Move> FleetLogin::look(Endpoint endpoint) {
  const SteadyTime deadline = steady_clock::now() + longest_steps;
  for (unsigned step = 0; step < most_steps && steady_clock::now() < deadline; ++step) {
    TRY(record_->read());
    const Sight seen = TRY(sight(endpoint));
    Move move = next_move(seen, random_name());
    switch (move.act) {
      case Act::write:
        if (TRY(record_->write(std::move(*move.record))) && !move.why.empty()) tools_.tell(move.why);
        break;
      case Act::commit:
        TRY(commit(std::move(*move.record)));
        break;
      case Act::forget:
        TRY(forget(move.why));
        break;
      case Act::wait:
        if (tools_.stop()) return Error{ErrorKind::temporary, "interrupted before anything was sent"};
        TRY(record_->wait_for_change());
        break;
      case Act::nothing:
      case Act::adopt:
      case Act::claim:
      case Act::stop:
        return move;
    }
  }
  return Error{ErrorKind::temporary, "the fleet's record changes all the time"};
}

Result<Sight> FleetLogin::sight(Endpoint endpoint) {
  const ExchangeRequest& request = tools_.request;
  Sight sight = record_->sight();
  sight.note = note_ ? &*note_ : nullptr;
  sight.is_forced = request.force == Force::yes;
  if (sight.record == nullptr || sight.record->state == LoginState::moved) return sight;
  const auto document = TRY(record_->document());
  sight.is_wanted = endpoint == Endpoint::asked && is_wanted(document);
  sight.local = TRY(read_local());
  const auto& [published, history] = request.known;
  // The token of a login that was replaced may end later than the new one's.
  const bool is_same_login = history.fleet && history.fleet->login >= sight.record->ordinal;
  sight.is_behind = is_same_login && published.has_token() &&
                    published.expires_at > sight.record->expires_at + seconds(1) &&
                    published.access_token_hash != fingerprint(document.login().access_token);
  return sight;
}

Result<std::optional<LocalLogin>> FleetLogin::read_local() const {
  auto here = tools_.store.read();
  if (!here && here.error().kind == ErrorKind::not_found) return std::optional<LocalLogin>();
  if (!here) return std::move(here).error();
  return local_login(std::move(here->text), tools_.request.provider.fields);
}

// One request is enough, and a token that another host obtained meanwhile as well.
bool FleetLogin::is_wanted(const CredentialDocument& login) {
  const ExchangeRequest& request = tools_.request;
  const Secret& refresh_token = login.login().refresh_token;
  if (refresh_token.empty() || has_begun_) return false;
  const std::string hash = fingerprint(refresh_token);
  if (before_.empty()) before_ = hash;
  return (request.force == Force::yes && hash == before_) || is_due(request, login.login(), now());
}

Result<void> FleetLogin::commit(LoginRecord next) {
  auto document = TRY(record_->document());
  next.document = document.with(*grant_, tools_.request.provider.fields);
  next.refresh_token_hash = fingerprint(document.login().refresh_token);
  next.obtained_at = now();
  next.expires_at = grant_->expires_at;
  return TRY(record_->write(std::move(next))) ? forget("") : Result<void>();
}

// The journal is cleared only when the record no longer needs it.
Result<void> FleetLogin::forget(const std::string& why) {
  const LoginRecord* const there = record_->get();
  const bool is_ours =
      grant_ && there != nullptr && there->refresh_token_hash == fingerprint(grant_->refresh_token);
  if (!why.empty() && !is_ours) tools_.tell(why);
  note_.reset();
  grant_.reset();
  return tools_.store.journal().clear();
}

Decision FleetLogin::decide(const CredentialDocument&) {
  Decision decision = {.is_wanted = move_.act == Act::claim};
  if (move_.act == Act::stop)
    decision.failure = {
        .kind = move_.kind, .message = move_.why, .hint = move_.hint, .retry_after = move_.retry_after};
  return decision;
}

// The first step of a claim; nothing is sent yet.
Result<void> FleetLogin::begin(const Rotation&) {
  TRY(record_->check_clock());
  TRY(tools_.store.journal().note_rotation(*move_.note));
  note_ = move_.note;
  has_begun_ = true;
  return {};
}

Result<void> FleetLogin::may_send(const CredentialDocument&) {
  auto claimed = claim();
  is_beaten_ = !claimed;
  return claimed;
}

// While the connection to the token endpoint is open: the intent is in the store, and this host's journal
// says that the token is sent.
Result<void> FleetLogin::claim() {
  if (is_sent()) return {};  // a second request of the same rotation
  const Milliseconds began = record_->time_since_boot();
  const Error not_ours = {ErrorKind::temporary, "another host of the fleet refreshes the login"};
  if (!TRY(record_->write(move_.record->copy()))) return not_ours;
  const auto& intent = record_->get()->intent;
  if (intent && intent->nonce != note_->nonce) return not_ours;
  RotationNote sent = *note_;
  sent.progress = RotationStage::sent;
  TRY(tools_.store.journal().note_rotation(sent));
  if (record_->time_since_boot() - began > longest_claim)
    return Error{ErrorKind::temporary, "the fleet's store answered too late"};
  note_ = std::move(sent);
  return {};
}

// What the request left: an answer, a refusal, or an intent that was not used. What an earlier run sent is
// not refused because nothing was sent by this one.
Settled FleetLogin::settle(const Rotation& rotation) {
  auto& failure = tools_.report.failure;
  if (rotation.grant) {
    grant_ = rotation.grant->copy();
    note_->progress = RotationStage::granted;
  } else if (has_begun_ && is_sent() && failure &&
             rule_of(failure->kind).refresh_token == RefreshToken::unspent && !rest(*failure)) {
    tools_.tell("this host could not note the refusal");
  }
  if (is_beaten_) has_begun_ = false;  // the winner's token is waited for
  auto login = find();
  if (!login) return {std::nullopt, std::move(login).error()};
  // Another host was quicker, and has refreshed it.
  if (is_beaten_ && move_.act == Act::nothing) failure.reset();
  return {std::move(*login)};
}

// The whole fleet learns what a refusal means.
Result<void> FleetLogin::rest(const ExchangeFailure& failure) {
  const LoginRecord& there = *record_->get();
  const unsigned failures = there.rest ? there.rest->failures + 1 : 1;
  note_->progress = RotationStage::refused;
  note_->why = failure.message;
  note_->rest.reset();
  if (failure.kind != FailureKind::login_required) {
    const Milliseconds pause = rest_after({.kind = failure.kind,
                                           .failures = failures,
                                           .retry_after = failure.retry_after,
                                           .token_left = there.expires_at - now()});
    note_->rest = FleetRest{now() + pause, failure.kind, failures, failure.message};
  }
  return tools_.store.journal().note_rotation(*note_);
}

void FleetLogin::describe(const CredentialDocument& login) {
  if (record_->get() == nullptr) return;  // what the store has since is not one
  ExchangeReport& report = tools_.report;
  const auto kept = keep_access_only(login);
  if (!note_) tools_.clear_journal();
  describe_to(report.fleet.emplace(), *record_->get());
  if (!report.login) return;
  if (auto told = record_->publish(report); !told)
    tools_.tell(fmt::format("the fleet does not have the access token yet: {}", told.error().message));
  if (kept) report.login->stamp = *kept;
}

Result<void> FleetLogin::move_in(LoginRecord next) {
  LoginStore& local = tools_.store;
  const auto document = TRY(tools_.read());
  const std::string hash = fingerprint(document.login().refresh_token);
  const Secret kept = TRY(access_only(document, tools_.request.provider.fields));
  const LoginRecord* const there = record_->get();
  const bool is_there = there != nullptr && there->nonce == next.nonce;
  const auto number = next.ordinal;
  next.document = document.text().copy();
  const Error changed = {ErrorKind::temporary, "the login changed at the same time; nothing was moved"};
  if (hash != next.refresh_token_hash) return changed;
  if (!is_there && !TRY(record_->write(std::move(next)))) return changed;
  TRY(record_->trust());
  TRY(local.replace(kept));
  tools_.tell(fmt::format("token {} of {} is in the fleet's store, and only there, as login {}",
                          short_fingerprint(hash), local.shown(), number));
  return {};
}

// Makes the host's own file the access-only form of the fleet's login, for clients that run on this host,
// unless it already is. A file with another refresh token is left alone, with a notice. Result: the file's
// stamp; nullopt: there is none, or it was left alone.
std::optional<FileStamp> FleetLogin::keep_access_only(const CredentialDocument& document) {
  const LoginRecord& fleets = *record_->get();
  const std::string& shown = tools_.store.shown();
  if (fleets.state == LoginState::joining) return std::nullopt;
  const auto wanted = access_only(document, tools_.request.provider.fields);
  const auto there = tools_.store.read();
  if (!wanted || (!there && there.error().kind != ErrorKind::not_found)) return std::nullopt;
  if (there && there->text == *wanted) return there->stamp;
  const auto login = there ? local_login(there->text.copy(), tools_.request.provider.fields) : std::nullopt;
  if (login && !record_->has_had(login->refresh_token_hash)) {
    const std::string what =
        is_newer(*login, fleets)
            ? "a new login is on this host, and the fleet's works: to replace that"
            : fmt::format(
                  "has token {}, which is not newer than the fleet's login, and is left alone: "
                  "to replace the fleet's",
                  short_fingerprint(login->refresh_token_hash));
    tools_.tell(fmt::format("{}: {}: oci-oauth fleet join --force {}", shown, what, fleets.profile));
    return std::nullopt;
  }
  const auto saving = tools_.locks.take_for_saving();
  auto replaced = tools_.store.replace(*wanted);
  if (replaced) return *replaced;
  tools_.tell(replaced.error().message);
  return std::nullopt;
}

}  // namespace oci_oauth
