// SPDX-License-Identifier: Apache-2.0
#include "follower/follower.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/fmt.h"
#include "refresh/refresh_run.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

namespace {

// A connection that lasted for longer was not the same trouble.
constexpr Milliseconds lasting = std::chrono::minutes(5);

std::string generation_of(const AccessRecord& record) {
  return fmt::format("login {}, generation {}", record.ordinal, record.generation);
}

// Why a record does not replace the one that this host has; empty: it does, or is the same.
std::string objection(const AccessRecord& record, const AccessRecord& known) {
  if (is_older(record, known))
    return fmt::format("is older ({}) than what this host has ({})", generation_of(record),
                       generation_of(known));
  if (record.ordinal == known.ordinal && record.epoch != known.epoch)
    return "is of another login than what this host has";
  return "";
}

bool is_same(const AccessRecord& one, const AccessRecord& other) {
  return one.ordinal == other.ordinal && one.generation == other.generation && one.epoch == other.epoch;
}

}  // namespace

Result<Follower> Follower::open(const Config& config, const Refresher& refresher, FleetKeys keys,
                                const std::string& kept, const Log& log) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(kept).parent_path(), error);
  if (::mkdir(kept.c_str(), 0700) != 0 && errno != EEXIST) return Error::from_errno(errno, kept);
  auto directory = TRY(open_file({.path = kept}, O_RDONLY | O_DIRECTORY));
  Follower follower(config, refresher, std::move(keys), std::move(directory), kept, log);
  follower.state_.process = ::getpid();
  return follower;
}

void Follower::publish_kept() {
  for (const Profile& profile : config_.profiles) {
    if (!profile.in_fleet) continue;
    auto bytes =
        read_file({kept_.get(), profile.name, shown_ + "/" + profile.name}, longest_record, Links::refused);
    if (!bytes && bytes.error().kind == ErrorKind::not_found) continue;
    Known& known = known_[profile.name];
    auto record = bytes ? check(profile, known, *bytes) : bytes.error();
    const auto taken = record ? accept(profile, known, std::move(*record), *bytes, Keep::no) : record.error();
    if (!taken)
      log_.write(Priority::warning,
                 fmt::format("'{}': the record that was kept: {}", profile.name, taken.error().message));
  }
}

bool Follower::take(const StoreNews& news) {
  if (const auto* const change = std::get_if<KeyChange>(&news)) return take_change(*change);
  const auto* const lost = std::get_if<Error>(&news);
  lost != nullptr ? note_lost(lost->message) : note_connected();
  return lost == nullptr;
}

void Follower::note_connected() {
  if (state_.is_connected) return;
  state_.is_connected = true;
  state_.since = refresher_.clock();
  state_.why.clear();
  tell_status();
}

void Follower::note_lost(const std::string& why) {
  const Time time = refresher_.clock();
  if (state_.is_connected && time - state_.since > lasting) told_.clear();
  if (why != told_) log_.write(Priority::warning, why);
  told_ = why;
  if (!state_.is_connected && why == state_.why) return;
  if (state_.is_connected) ++state_.losses;
  if (state_.is_connected || state_.since == Time{}) state_.since = time;
  state_.is_connected = false;
  state_.why = why;
  tell_status();
}

void Follower::tell_status() const {
  if (const auto told = refresher_.runtime.note_follower(state_); !told)
    log_.write(Priority::warning, told.error());
}

bool Follower::take_change(const KeyChange& change) {
  const bool is_access = change.key.starts_with(access_prefix);
  const Profile* const profile = is_access ? config_.find(change.key.substr(access_prefix.size())) : nullptr;
  if (profile == nullptr || !profile->in_fleet) return true;  // of hosts with other profiles
  Known& known = known_[profile->name];
  const std::string version = change.stored ? change.stored->version : "none";
  if (version == known.refused) return false;
  auto record = change.stored ? check(*profile, known, change.stored->bytes)
                              : Error{ErrorKind::failed, "was removed; this host keeps what it has"};
  known.refused = record ? "" : version;
  // What is accepted and cannot be published or kept is tried again when it is read again.
  const auto taken = record ? accept(*profile, known, std::move(*record), change.stored->bytes, Keep::yes)
                            : Result<void>(record.error());
  if (taken) return true;
  tell_status();
  log_.write(Priority::warning,
             fmt::format("'{}': the store's record: {}", profile->name, taken.error().message),
             taken.error().hint);
  return known.refused.empty();
}

Result<AccessRecord> Follower::check(const Profile& profile, const Known& known, const std::string& bytes) {
  auto record = open_access(bytes, profile.name, keys_);
  if (!record) {
    ++state_.refused[profile.name].invalid;
  } else if (auto why = known.record ? objection(*record, *known.record) : ""; !why.empty()) {
    ++state_.refused[profile.name].older;
    return Error{ErrorKind::failed, std::move(why), "oci-oauth fleet status"};
  }
  return record;
}

Result<void> Follower::accept(const Profile& profile, Known& known, AccessRecord record,
                              const std::string& bytes, Keep keep) {
  if (!known.record || !is_same(record, *known.record)) {
    TRY(publish(profile, known, record, keep));
    known.record = std::move(record);
    known.is_kept = keep == Keep::no;
  }
  if (!known.is_kept) TRY(store(profile.name, bytes));
  known.is_kept = true;
  return {};
}

Result<void> Follower::store(const std::string& name, const std::string& bytes) const {
  auto file = TRY(AtomicFile::create(kept_.get(), name, shown_, {}));
  TRY(file.write(bytes));
  TRY(file.sync());
  TRY(file.commit());
  return sync_directory(kept_.get(), shown_);
}

// What an earlier run has published: that record, or one that it could not keep before it ended.
bool Follower::has_it(const Profile& profile, const LoginSnapshot& login, Keep keep) const {
  const auto published = refresher_.runtime.published(profile.name);
  if (!published || !*published) return false;
  return (*published)->access_token_hash == login.access_token_hash ||
         (keep == Keep::no && (*published)->expires_at > login.expires_at);
}

Result<void> Follower::publish(const Profile& profile, Known& known, const AccessRecord& record,
                               Keep keep) const {
  auto sent = TRY(read_record<ExchangeReport>(record.payload.reveal(), "its report"));
  if (!sent.login) return Error{ErrorKind::failed, "has no token"};
  if (!known.record && has_it(profile, *sent.login, keep)) return {};
  if (!known.provider) known.provider = TRY(load_provider(profile, refresher_.provider_directories));
  // Refreshers sign what they have, and root writes it here.
  std::erase_if(sent.login->files, [&](const auto& file) { return !delivers(*known.provider, file.name); });
  sent.login->stamp = {};
  // Nobody need ask this host for a newer one before it has expired.
  sent.login->can_be_refreshed = false;
  ExchangeReport report;
  report.refreshed = true;
  report.login = std::move(sent.login);
  FleetStatus& fleet = report.fleet.emplace();
  fleet.login = record.ordinal;
  fleet.generation = record.generation;
  fleet.obtained_at = record.obtained_at;
  const auto outcome =
      TRY(publish_obtained(refresher_, profile, std::move(report), known.provider->shadowed_by));
  for (const Error& error : outcome.deliveries_failed) log_.write(Priority::warning, error);
  TRY(report_notices(log_, fmt::format("'{}'", profile.name), outcome));
  log_.write(Priority::info, fmt::format("'{}': published {}, valid until {}", profile.name,
                                         generation_of(record), rfc3339(record.expires_at)));
  return {};
}

}  // namespace oci_oauth
