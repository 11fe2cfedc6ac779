// SPDX-License-Identifier: Apache-2.0
#include "exchange/fleet_record.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "store/open_store.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;

// Clocks that differ by more than this, and a second for their rounding, are wrong.
constexpr Milliseconds tolerated_clock = tolerated_skew + seconds(1);

// An older record, and one that contradicts what is remembered, are not believed.
bool is_believed(const LoginRecord& record, const LoginRecord& remembered) {
  if (is_older(record, remembered)) return false;
  if (record.ordinal != remembered.ordinal) return true;
  return record.epoch == remembered.epoch && (record.generation != remembered.generation ||
                                              record.refresh_token_hash == remembered.refresh_token_hash);
}

}  // namespace

Result<FleetClient> FleetClient::open(const FleetAccess& fleet) {
  FleetClient client;
  client.keys = TRY(fleet_keys(fleet));
  client.ca = TRY(MemoryFile::holding(fleet.ca.reveal()));
  client.token = TRY(MemoryFile::holding(fleet.token.reveal()));
  FleetConfig config = fleet.config;
  config.ca_file = client.ca->path();
  if (config.kubernetes) config.kubernetes->token_file = client.token->path();
  client.store = open_store(config, {std::string(fleet.certificate.reveal()), fleet.key.copy()});
  return client;
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

Result<FleetRecord> FleetRecord::open(const ExchangeRequest& request, const LoginStore& local,
                                      const FleetOpener& opener) {
  auto client = TRY(opener(*request.fleet));
  auto memory = TRY(read_memory(local.directory_fd(), local.directory(), local.name()));
  FleetRecord record(request, local, std::move(client), std::move(memory));
  if (record.memory_.record.empty()) return record;
  auto known = open_login(record.memory_.record, request.profile.name, record.client_.keys);
  if (!known) return std::move(known).error().in(memory_name(local.name()));
  record.remembered_ = std::move(*known);
  record.had_ = record.remembered_->refresh_token_hash;
  return record;
}

Result<void> FleetRecord::read() {
  stored_ = TRY(client_.store->read(login_key(request_.profile.name)));
  record_.reset();
  if (stored_) record_ = TRY(open_login(stored_->bytes, request_.profile.name, client_.keys));
  return remember();
}

Result<bool> FleetRecord::write(LoginRecord next) {
  const std::string nonce = next.nonce;
  const std::string bytes = TRY(seal(std::move(next), client_.keys));
  const Written written = TRY(client_.store->write(login_key(request_.profile.name), bytes, stored_));
  if (written != Written::yes) {
    TRY(read());
    return record_ && record_->nonce == nonce;
  }
  stored_ = Stored{bytes, ""};
  record_ = TRY(open_login(bytes, request_.profile.name, client_.keys));
  TRY(remember());
  return true;
}

Result<void> FleetRecord::remember() {
  memory_.look(record_ ? record_->nonce : "", record_ && record_->intent ? record_->intent->nonce : "",
               boot_moment(request_.fleet->boot));
  if (record_ && (!remembered_ || is_believed(*record_, *remembered_))) {
    memory_.record = stored_->bytes;
    remembered_ = record_->copy();
  }
  return save_memory();
}

Result<void> FleetRecord::save_memory() const {
  return write_memory(local_.directory_fd(), local_.directory(), local_.name(), memory_);
}

Result<void> FleetRecord::trust() {
  memory_.first = memory_.nonce_first = Milliseconds(0);
  memory_.last = time_since_boot();
  return save_memory();
}

Result<void> FleetRecord::wait_for_change() {
  const auto changed = client_.store->wait(login_key(request_.profile.name), stored_ ? stored_->version : "",
                                           std::chrono::steady_clock::now() + seconds(2));
  // A store that cannot be waited for is looked at again, and that tells what is wrong.
  if (!changed && changed.error().kind != ErrorKind::temporary) return changed.error();
  return {};
}

// A clock that is ahead would refresh all the time, and take other hosts' refreshes for lost.
Result<void> FleetRecord::check_clock() {
  const StoreSight sight = TRY(client_.store->examine());
  const Time here = now();
  if (!sight.time || std::chrono::abs(*sight.time - here) <= tolerated_clock) return {};
  return Error{ErrorKind::failed,
               fmt::format("this host's clock says {}, and the store's {}: nothing is sent while they differ",
                           rfc3339(here), rfc3339(*sight.time)),
               "sudo timedatectl set-ntp true"};
}

Result<CredentialDocument> FleetRecord::document() const {
  return CredentialDocument::parse(record_->document.copy(), login_key(request_.profile.name),
                                   request_.provider.fields);
}

Sight FleetRecord::sight() const {
  const FleetAccess& fleet = *request_.fleet;
  Sight sight;
  sight.record = get();
  sight.memory = remembered_ ? &*remembered_ : nullptr;
  sight.profile = request_.profile.name;
  sight.host = fleet.config.host;
  sight.now = now();
  sight.watched = memory_.last - memory_.first;
  sight.record_watched = memory_.last - memory_.nonce_first;
  sight.intent_watched = memory_.last - memory_.intent_first;
  sight.settle = fleet.config.settle;
  sight.takeover = fleet.task == FleetTask::takeover ? Takeover::now : fleet.config.takeover;
  return sight;
}

std::uint64_t FleetRecord::newest_ordinal() const {
  return std::max(record_ ? record_->ordinal : 0, remembered_ ? remembered_->ordinal : 0);
}

Result<void> FleetRecord::publish(ExchangeReport& report) {
  const std::string& profile = request_.profile.name;
  const auto there = TRY(client_.store->read(access_key(profile)));
  if (there) {
    const auto old = open_access(there->bytes, profile, client_.keys);
    if (old && !is_older(*old, *record_)) return {};
  }
  ExchangeReport told;  // nothing but the login
  told.login.swap(report.login);
  AccessRecord access;
  access.profile = profile;
  access.epoch = record_->epoch;
  access.ordinal = record_->ordinal;
  access.generation = record_->generation;
  access.obtained_at = record_->obtained_at;
  access.expires_at = record_->expires_at;
  access.payload = write_record(told);
  told.login.swap(report.login);
  const std::string bytes = TRY(seal(std::move(access), client_.keys));
  // Whoever wrote another one meanwhile has seen the same login or a newer one.
  (void)TRY(client_.store->write(access_key(profile), bytes, there));
  return {};
}

Result<void> FleetRecord::seal_access_anew() {
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
