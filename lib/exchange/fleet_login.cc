// SPDX-License-Identifier: Apache-2.0
#include "exchange/fleet_login.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/path.h"
#include "store/open_store.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// The intent is written, the journal synced and the first byte sent within this time, or nothing is sent.
constexpr Milliseconds longest_claim = seconds(3);
// Clocks that differ by more than this, and a second for their rounding, are wrong.
constexpr Milliseconds tolerated_clock = tolerated_skew + seconds(1);
constexpr unsigned most_steps = 50;
constexpr auto longest_look = seconds(75);

Result<FleetKeys> read_all_keys(const FleetAccess& fleet) {
  FleetKeys keys;
  keys.access = TRY(read_keys(fleet.access.reveal(), access_key_file));
  for (const Secret& half : TRY(read_keys(fleet.signers.reveal(), signers_file)))
    keys.signers.emplace_back(half.reveal());
  if (fleet.config.role == FleetRole::follower) return keys;
  keys.login = TRY(read_keys(fleet.login.reveal(), login_key_file));
  keys.signing = TRY(read_keys(fleet.signing.reveal(), signing_key_file));
  return keys;
}

Result<UniqueFd> directory_of(const LoginStore& local) {
  return open_file({.path = local.directory()}, O_RDONLY | O_DIRECTORY);
}

std::string name_of(const LoginStore& local) {
  return base_name(local.shown());
}

}  // namespace

Result<FleetClient> FleetClient::open(const FleetAccess& fleet) {
  FleetClient client;
  client.keys = TRY(read_all_keys(fleet));
  client.ca = TRY(MemoryFile::holding(fleet.ca.reveal()));
  client.token = TRY(MemoryFile::holding(fleet.token.reveal()));
  FleetConfig config = fleet.config;
  config.ca_file = client.ca->path();
  if (config.kubernetes) config.kubernetes->token_file = client.token->path();
  client.store = open_store(config, {std::string(fleet.certificate.reveal()), fleet.key.copy()});
  return client;
}

std::optional<LocalLogin> local_login(const CredentialDocument& document) {
  const Login& login = document.login();
  if (login.refresh_token.empty()) return std::nullopt;
  return LocalLogin{fingerprint(login.refresh_token), expiry_of(login)};
}

void describe_to(FleetStatus& status, const LoginRecord& login) {
  status.state = word(login.state);
  status.why = login.why;
  status.by = login.by;
  status.login = login.ordinal;
  status.generation = login.generation;
  status.refresh_token = short_fingerprint(login.refresh_token_hash);
  status.obtained_at = login.obtained_at;
  status.expires_at = login.expires_at;
  if (login.intent) status.refreshing = login.intent->by;
  if (login.intent) status.refreshing_since = login.intent->began_at;
  if (login.rest) status.rests_until = login.rest->until;
}

Result<void> FleetClient::look(const std::string& profile, FleetStatus& status) {
  const StoreSight sight = TRY(store->examine());
  status.store = sight.engine;
  status.version = sight.version;
  if (sight.time) status.clock_behind = *sight.time - now();
  const auto access = TRY(store->read(access_key(profile)));
  if (access) {
    const AccessRecord opened = TRY(open_access(access->bytes, profile, keys));
    status.published_login = opened.ordinal;
    status.published = opened.generation;
    status.obtained_at = opened.obtained_at;
    status.expires_at = opened.expires_at;
  }
  if (keys.login.empty()) return {};
  const auto stored = TRY(store->read(login_key(profile)));
  if (!stored) return {};
  describe_to(status, TRY(open_login(stored->bytes, profile, keys)));
  return {};
}

Result<FleetLogin> FleetLogin::open(const ExchangeRequest& request, LoginStore& local,
                                    const std::function<bool()>& stop, std::vector<std::string>& notices,
                                    const FleetOpener& opener) {
  FleetLogin login(request, local, stop, notices);
  login.client_ = TRY(opener(*request.fleet));
  const UniqueFd directory = TRY(directory_of(local));
  login.memory_ = TRY(read_memory(directory.get(), local.directory(), name_of(local)));
  if (!login.memory_.record.empty()) {
    auto known = open_login(login.memory_.record, request.profile.name, login.client_.keys);
    if (!known) return std::move(known).error().in(memory_name(name_of(local)));
    login.remembered_ = std::move(*known);
    login.had_ = login.remembered_->refresh_token_hash;
  }
  auto entry = TRY(local.journal().replay());
  if (entry) login.left_locks_ = std::move(entry->locks);
  if (entry && entry->rotation) {
    login.note_ = std::move(entry->rotation);
    login.grant_ = std::move(entry->grant);
    if (login.grant_) login.note_->progress = RotationStage::granted;
  } else if (entry && !entry->refresh_token_hash.empty()) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: contains a refresh from before the login was the fleet's", local.journal().shown()),
        fmt::format("oci-oauth fleet join {}", request.profile.name)};
  }
  return login;
}

Result<void> FleetLogin::read() {
  stored_ = TRY(client_.store->read(login_key(request_.profile.name)));
  record_.reset();
  if (stored_) record_ = TRY(open_login(stored_->bytes, request_.profile.name, client_.keys));
  memory_.look(record_ ? record_->nonce : "", record_ && record_->intent ? record_->intent->nonce : "",
               boot_moment(request_.fleet->boot));
  return remember();
}

Result<CredentialDocument> FleetLogin::document() const {
  return CredentialDocument::parse(record_->document.copy(), login_key(request_.profile.name),
                                   request_.provider.fields);
}

std::uint64_t FleetLogin::newest_ordinal() const {
  return std::max(record_ ? record_->ordinal : 0, remembered_ ? remembered_->ordinal : 0);
}

Result<void> FleetLogin::remember() {
  if (record_ && (!remembered_ || !is_older(*record_, *remembered_)) &&
      (!remembered_ || record_->ordinal != remembered_->ordinal || record_->epoch == remembered_->epoch)) {
    const bool is_other = remembered_ && record_->ordinal == remembered_->ordinal &&
                          record_->generation == remembered_->generation &&
                          record_->refresh_token_hash != remembered_->refresh_token_hash;
    if (!is_other) {
      memory_.record = stored_->bytes;
      remembered_ = record_->copy();
    }
  }
  const UniqueFd directory = TRY(directory_of(local_));
  return write_memory(directory.get(), local_.directory(), name_of(local_), memory_);
}

Result<void> FleetLogin::trust() {
  memory_.first = memory_.nonce_first = Milliseconds(0);
  memory_.last = boot_moment(request_.fleet->boot).time;
  const UniqueFd directory = TRY(directory_of(local_));
  return write_memory(directory.get(), local_.directory(), name_of(local_), memory_);
}

Result<bool> FleetLogin::write(LoginRecord next) {
  const std::string nonce = next.nonce;
  const std::string bytes = TRY(seal(std::move(next), client_.keys));
  const std::string key = login_key(request_.profile.name);
  Written written = TRY(client_.store->write(key, bytes, stored_));
  if (written != Written::yes) {
    TRY(read());
    return record_ && record_->nonce == nonce;
  }
  stored_ = Stored{bytes, ""};
  record_ = TRY(open_login(bytes, request_.profile.name, client_.keys));
  memory_.look(record_->nonce, record_->intent ? record_->intent->nonce : "",
               boot_moment(request_.fleet->boot));
  TRY(remember());
  return true;
}

Result<std::optional<LocalLogin>> FleetLogin::read_local() const {
  auto here = local_.read();
  if (!here && here.error().kind == ErrorKind::not_found) return std::optional<LocalLogin>();
  if (!here) return std::move(here).error();
  const auto document =
      CredentialDocument::parse(std::move(here->text), local_.shown(), request_.provider.fields);
  // What is not a document cannot be used by anybody.
  return document ? local_login(*document) : std::nullopt;
}

Result<Sight> FleetLogin::sight(const std::function<bool(const CredentialDocument&)>& is_wanted,
                                Force force) {
  Sight sight;
  sight.record = record();
  sight.memory = remembered_ ? &*remembered_ : nullptr;
  sight.note = note();
  sight.profile = request_.profile.name;
  sight.host = request_.fleet->config.host;
  sight.now = now();
  sight.watched = memory_.last - memory_.first;
  sight.record_watched = memory_.last - memory_.nonce_first;
  sight.intent_watched = memory_.last - memory_.intent_first;
  sight.settle = request_.fleet->config.settle;
  sight.is_forced = force == Force::yes;
  sight.takeover =
      request_.fleet->task == FleetTask::takeover ? Takeover::now : request_.fleet->config.takeover;
  if (record_ && record_->state != LoginState::moved) {
    const auto document = TRY(this->document());
    sight.is_wanted = is_wanted(document);
    sight.local = TRY(read_local());
    const auto& [published, history] = request_.known;
    // The token of a login that was replaced may end later than the new one's.
    const bool is_same_login = history.fleet && history.fleet->login >= record_->ordinal;
    sight.is_behind = is_same_login && published.has_token() &&
                      published.expires_at > record_->expires_at + seconds(1) &&
                      published.access_token_hash != fingerprint(document.login().access_token);
  }
  return sight;
}

Result<Move> FleetLogin::look(const std::function<bool(const CredentialDocument&)>& is_wanted, Force force) {
  const SteadyTime deadline = steady_clock::now() + longest_look;
  for (unsigned step = 0; step < most_steps && steady_clock::now() < deadline; ++step) {
    TRY(read());
    const Sight seen = TRY(sight(is_wanted, force));
    Move move = next_move(seen, random_name());
    switch (move.act) {
      case Act::write:
        if (TRY(write(std::move(*move.record))) && !move.why.empty()) notices_.push_back(move.why);
        break;
      case Act::commit:
        TRY(commit(std::move(*move.record)));
        break;
      case Act::forget:
        TRY(forget(move.why));
        break;
      case Act::wait:
        if (stop_()) return Error{ErrorKind::temporary, "interrupted before anything was sent"};
        TRY(wait_for_other());
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

Result<void> FleetLogin::commit(LoginRecord next) {
  auto document = TRY(this->document());
  next.document = document.with(*grant_, request_.provider.fields);
  next.refresh_token_hash = fingerprint(document.login().refresh_token);
  next.obtained_at = now();
  next.expires_at = grant_->expires_at;
  const auto written = TRY(write(std::move(next)));
  if (!written) return {};
  return forget("");
}

// The journal is cleared only when the record no longer needs it.
Result<void> FleetLogin::forget(const std::string& why) {
  const bool is_ours = grant_ && record_ && record_->refresh_token_hash == fingerprint(grant_->refresh_token);
  if (!why.empty() && !is_ours) notices_.push_back(why);
  note_.reset();
  grant_.reset();
  return local_.journal().clear();
}

Result<void> FleetLogin::wait_for_other() {
  const auto changed = client_.store->wait(login_key(request_.profile.name), stored_ ? stored_->version : "",
                                           steady_clock::now() + seconds(2));
  // A store that cannot be waited for is looked at again, and that tells what is wrong.
  if (!changed && changed.error().kind != ErrorKind::temporary) return changed.error();
  return {};
}

// A clock that is ahead would refresh all the time, and take other hosts' refreshes for lost.
Result<void> FleetLogin::check_clock() {
  const StoreSight sight = TRY(client_.store->examine());
  const Time here = now();
  if (!sight.time || (*sight.time - here <= tolerated_clock && here - *sight.time <= tolerated_clock))
    return {};
  return Error{ErrorKind::failed,
               fmt::format("this host's clock says {}, and the store's {}: nothing is sent while they differ",
                           rfc3339(here), rfc3339(*sight.time)),
               "sudo timedatectl set-ntp true"};
}

Result<void> FleetLogin::begin(const Move& claim) {
  TRY(check_clock());
  TRY(local_.journal().note_rotation(*claim.note));
  note_ = *claim.note;
  claim_ = claim.record->copy();
  return {};
}

Result<void> FleetLogin::may_send() {
  if (is_sent()) return {};  // a second request of the same rotation
  const Milliseconds began = boot_moment(request_.fleet->boot).time;
  const Error not_ours = {ErrorKind::temporary, "another host of the fleet refreshes the login"};
  if (!TRY(write(claim_->copy()))) return not_ours;
  if (record_->intent && record_->intent->nonce != note_->nonce) return not_ours;
  RotationNote sent = *note_;
  sent.progress = RotationStage::sent;
  TRY(local_.journal().note_rotation(sent));
  if (boot_moment(request_.fleet->boot).time - began > longest_claim)
    return Error{ErrorKind::temporary, "the fleet's store answered too late"};
  note_ = std::move(sent);
  return {};
}

void FleetLogin::note_grant(const Grant& grant) {
  grant_ = grant.copy();
  note_->progress = RotationStage::granted;
}

Result<void> FleetLogin::note_refusal(std::optional<FleetRest> rest, const std::string& why) {
  note_->progress = RotationStage::refused;
  note_->rest = std::move(rest);
  note_->why = why;
  return local_.journal().note_rotation(*note_);
}

Result<bool> FleetLogin::publish(const LoginSnapshot& snapshot) {
  const std::string& profile = request_.profile.name;
  const auto there = TRY(client_.store->read(access_key(profile)));
  if (there) {
    const auto old = open_access(there->bytes, profile, client_.keys);
    if (old && !is_older(*old, *record_)) return false;
  }
  ExchangeReport report;
  report.login = LoginSnapshot{.stamp = {},
                               .access_token_hash = snapshot.access_token_hash,
                               .request_hash = snapshot.request_hash,
                               .expires_at = snapshot.expires_at,
                               .can_be_refreshed = snapshot.can_be_refreshed,
                               .login_expires_at = snapshot.login_expires_at,
                               .files = {}};
  for (const SharedFile& file : snapshot.files)
    report.login->files.push_back({file.name, file.content.copy()});
  AccessRecord access;
  access.profile = profile;
  access.epoch = record_->epoch;
  access.ordinal = record_->ordinal;
  access.generation = record_->generation;
  access.obtained_at = record_->obtained_at;
  access.expires_at = record_->expires_at;
  access.payload = write_record(report);
  // Whoever wrote another one meanwhile has seen the same login or a newer one.
  const std::string bytes = TRY(seal(std::move(access), client_.keys));
  return TRY(client_.store->write(access_key(profile), bytes, there)) == Written::yes;
}

Result<void> FleetLogin::seal_access_anew() {
  const std::string key = access_key(request_.profile.name);
  const auto there = TRY(client_.store->read(key));
  if (!there) return {};
  auto access = TRY(open_access(there->bytes, request_.profile.name, client_.keys));
  const std::string bytes = TRY(seal(std::move(access), client_.keys));
  if (TRY(client_.store->write(key, bytes, there)) == Written::yes) return {};
  return Error{ErrorKind::temporary, "another host published a token at the same time",
               "oci-oauth fleet rekey"};
}

}  // namespace oci_oauth
