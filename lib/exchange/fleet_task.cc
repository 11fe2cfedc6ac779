// SPDX-License-Identifier: Apache-2.0
// What a person does with a fleet's login (fleet_login.h).
#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/path.h"
#include "exchange/exchange_rules.h"
#include "exchange/fleet_login.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto wait_for_our_lock = seconds(30);

class Task {
 public:
  Task(const ExchangeRequest& request, const std::function<bool()>& stop, const FleetOpener& opener)
      : request_(request), stop_(stop), opener_(opener) {}
  Result<void> run();
  ExchangeReport report;

 private:
  Result<void> init();
  Result<void> join();
  Result<void> leave();
  Result<void> rekey();
  Result<void> look();
  void look_here(const FleetKeys& keys, FleetStatus& status);
  Result<void> look_there(const FleetClient& client, FleetStatus& status);

  Result<void> open(Document document);
  Result<LoginRecord> joined(const CredentialDocument& document);
  LoginRecord rewritten();
  const LoginRecord* there() { return fleet_->record().get(); }
  bool is_ours(LoginState state);
  bool is_begun(const CredentialDocument& document);
  bool is_shown() const { return request_.fleet->change == FleetChange::shown; }
  void tell(std::string what) { report.notices.push_back(std::move(what)); }
  const std::string& profile() const { return request_.profile.name; }

  const ExchangeRequest& request_;
  const std::function<bool()>& stop_;
  const FleetOpener& opener_;
  std::optional<LoginTools> tools_;
  std::optional<FleetLogin> fleet_;
};

Result<void> Task::open(Document document) {
  tools_.emplace(
      request_, stop_, report,
      TRY(LoginStore::open(request_.profile.credentials, steady_clock::now() + wait_for_our_lock, document)));
  fleet_.emplace(*tools_, opener_);
  return {};
}

// The directory is that of the profile's document: the keys are the files beside it.
Result<void> Task::init() {
  const std::string directory = parent_directory(request_.profile.credentials);
  const UniqueFd fd = TRY(open_file({.path = directory}, O_RDONLY | O_DIRECTORY));
  for (const char* name : {login_key_file, access_key_file, signing_key_file, signers_file}) {
    if (::faccessat(fd.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return Error{ErrorKind::failed, fmt::format("{}/{}: is already there", directory, name),
                   "man 1 oci-oauth"};
  }
  const Secret signing = random_key();
  const Secret half = TRY(public_half(signing));
  const std::pair<const char*, Secret> files[] = {{login_key_file, Secret(key_line(random_key()))},
                                                  {access_key_file, Secret(key_line(random_key()))},
                                                  {signing_key_file, Secret(key_line(signing))},
                                                  {signers_file, Secret(key_line(half))}};
  for (const auto& [name, text] : files) {
    const bool is_public = std::string_view(name) == signers_file;
    if (!is_shown())
      TRY(replace_file(fd.get(), name, directory, text.reveal(),
                       {static_cast<mode_t>(is_public ? 0444 : 0400)}));
    tell(fmt::format("{}{}/{}: {}", is_shown() ? "would make " : "made ", directory, name,
                     is_public                                   ? "for every host, may be read by everybody"
                     : std::string_view(name) == access_key_file ? "for every host"
                                                                 : "for refreshers only"));
  }
  return is_shown() ? Result<void>() : sync_directory(fd.get(), directory);
}

// The login as the store gets it, after what is there.
Result<LoginRecord> Task::joined(const CredentialDocument& document) {
  const LoginRecord* const there = this->there();
  if (there != nullptr && there->state == LoginState::live && request_.force == Force::no)
    return Error{ErrorKind::failed,
                 fmt::format("the fleet already has a login of this name, token {} in generation {}",
                             short_fingerprint(there->refresh_token_hash), there->generation),
                 fmt::format("to replace it: oci-oauth fleet join --force {}", profile())};
  const Login& login = document.login();
  LoginRecord next;
  next.profile = profile();
  next.epoch = random_name();
  next.ordinal = fleet_->record().newest_ordinal() + 1;
  next.nonce = random_name();
  next.by = request_.fleet->config.host;
  next.refresh_token_hash = fingerprint(login.refresh_token);
  next.obtained_at = now();
  next.expires_at = expiry_of(login);
  next.state = LoginState::joining;
  return next;
}

Result<void> Task::join() {
  TRY(open(Document::required));
  const auto entry = TRY(tools_->store.journal().replay());
  const bool was_joined = entry && entry->rotation;
  const Recovery recovery = was_joined ? Recovery{} : TRY(recover(*tools_));
  if (recovery.journal_is_needed || recovery.interrupted)
    return Error{ErrorKind::temporary,
                 fmt::format("{}: contains a refresh that is not complete", tools_->store.journal().shown()),
                 fmt::format("oci-oauth refresh {}", profile())};
  (void)TRY(fleet_->connect());
  // What this host began with the fleet's earlier login is finished as far as it can be.
  if (was_joined) (void)TRY(fleet_->look(Endpoint::left_alone));
  if (!is_shown()) TRY(tools_->locks.take());
  const CredentialDocument document = TRY(tools_->read());
  TRY(fleet_->record().read());
  if (document.login().refresh_token.empty() && !is_ours(LoginState::joining)) {
    const bool is_moved = there() != nullptr && there()->state == LoginState::live;
    return Error{ErrorKind::action_required,
                 fmt::format("{}: contains no refresh token{}", tools_->store.shown(),
                             is_moved ? ": the fleet has it" : ""),
                 is_moved ? fmt::format("oci-oauth fleet status {}", profile())
                          : "log in again with the program that owns this login"};
  }
  LoginRecord next = is_begun(document) ? there()->copy() : TRY(joined(document));
  if (is_shown()) {
    tell(fmt::format("would move token {} of {} to the fleet's store, as login {}",
                     short_fingerprint(next.refresh_token_hash), tools_->store.shown(), next.ordinal));
    return {};
  }
  if (!document.login().refresh_token.empty()) TRY(fleet_->move_in(std::move(next)));
  tools_->locks.give_back();
  (void)TRY(fleet_->look(Endpoint::left_alone));
  return tools_->store.journal().clear();
}

bool Task::is_ours(LoginState state) {
  return there() != nullptr && there()->state == state && there()->by == request_.fleet->config.host;
}

// By a run that was interrupted.
bool Task::is_begun(const CredentialDocument& document) {
  const Secret& token = document.login().refresh_token;
  const bool is_same = there() != nullptr && there()->refresh_token_hash == fingerprint(token);
  return (is_ours(LoginState::joining) && (is_same || token.empty())) ||
         (is_same && there()->state == LoginState::live);
}

LoginRecord Task::rewritten() {
  LoginRecord next = there()->copy();
  ++next.serial;
  next.nonce = random_name();
  return next;
}

Result<void> Task::leave() {
  TRY(open(Document::created));
  (void)TRY(fleet_->connect());
  (void)TRY(fleet_->look(Endpoint::left_alone));
  const LoginRecord* const there = this->there();
  const bool is_moved = is_ours(LoginState::moved);
  if (there == nullptr || (there->state == LoginState::moved && !is_moved))
    return Error{ErrorKind::failed, "the fleet's store has no such login",
                 fmt::format("oci-oauth fleet status {}", profile())};
  if (there->intent)
    return Error{ErrorKind::temporary,
                 fmt::format("{} began a refresh, and its answer never arrived", there->intent->by),
                 fmt::format("oci-oauth fleet takeover {}", profile())};
  if (is_shown()) {
    tell(fmt::format("would move token {} to {}; the fleet would refresh it no more",
                     short_fingerprint(there->refresh_token_hash), tools_->store.shown()));
    return {};
  }
  TRY(tools_->store.prepare(there->document.reveal().size()));
  // First the store: the token is in two places at no time.
  if (!is_moved) {
    LoginRecord next = rewritten();
    next.by = request_.fleet->config.host;
    next.state = LoginState::moved;
    if (!TRY(fleet_->record().write(std::move(next))))
      return Error{ErrorKind::temporary,
                   "another host changed the login at the same time; nothing was moved"};
  }
  TRY(tools_->store.replace(this->there()->document));
  tell(fmt::format("the login is in {}; remove \"fleet\" from the profile", tools_->store.shown()));
  return {};
}

Result<void> Task::rekey() {
  TRY(open(Document::created));
  (void)TRY(fleet_->connect());
  FleetRecord& record = fleet_->record();
  TRY(record.read());
  if (record.get() == nullptr) return Error{ErrorKind::failed, "the fleet's store has no such login"};
  tell(fmt::format("{} with the key {}", is_shown() ? "would seal the login" : "sealed the login",
                   record.sealing_key()));
  if (is_shown()) return {};
  if (TRY(record.write(rewritten()))) return record.seal_access_anew();
  return Error{ErrorKind::temporary, "another host changed the login at the same time",
               "oci-oauth fleet rekey"};
}

Result<void> Task::look() {
  const FleetAccess& fleet = *request_.fleet;
  FleetStatus& status = report.fleet.emplace();
  if (const auto end = end_of_certificate(fleet.certificate.reveal())) status.certificate_expires_at = *end;
  const FleetClient client = TRY(opener_(fleet));
  if (fleet.config.role == FleetRole::refresher) look_here(client.keys, status);
  return look_there(client, status);
}

// What the store has, as far as this host can open it. Failure: `status` has what was found before.
Result<void> Task::look_there(const FleetClient& client, FleetStatus& status) {
  const StoreSight sight = TRY(client.store->examine());
  status.store = sight.engine;
  status.version = sight.version;
  if (sight.time) status.clock_behind = *sight.time - now();
  if (const auto access = TRY(client.store->read(access_key(profile())))) {
    const AccessRecord opened = TRY(open_access(access->bytes, profile(), client.keys));
    status.published_login = opened.ordinal;
    status.published = opened.generation;
    status.obtained_at = opened.obtained_at;
    status.expires_at = opened.expires_at;
  }
  if (client.keys.login.empty()) return {};
  if (const auto stored = TRY(client.store->read(login_key(profile()))))
    describe_to(status, TRY(open_login(stored->bytes, profile(), client.keys)));
  return {};
}

// What this host has beside its document. What cannot be read is as good as missing.
void Task::look_here(const FleetKeys& keys, FleetStatus& status) {
  const std::string& path = request_.profile.credentials;
  const std::string directory = parent_directory(path), name = base_name(path);
  const auto fd = open_file({.path = directory}, O_RDONLY | O_DIRECTORY);
  if (!fd) return;
  const auto memory = read_memory(fd->get(), directory, name);
  const auto known =
      memory ? open_login(memory->record, profile(), keys) : Result<LoginRecord>(memory.error());
  if (known) status.remembered = known->generation;
  auto text = read_file({fd->get(), name, path}, MiB);
  if (!text) return;
  const auto login = local_login(Secret(std::move(*text)), request_.provider.fields);
  status.has_new_login = known && login && is_newer(*login, *known);
}

Result<void> Task::run() {
  switch (request_.fleet->task) {
    case FleetTask::init:
      return init();
    case FleetTask::join:
      return join();
    case FleetTask::leave:
      return leave();
    case FleetTask::rekey:
      return rekey();
    case FleetTask::look:
      return look();
    case FleetTask::refresh:
    case FleetTask::takeover:
      break;
  }
  return Error{ErrorKind::failed, "is not a task"};
}

}  // namespace

ExchangeReport do_fleet_task(const ExchangeRequest& request, const std::function<bool()>& stop,
                             const FleetOpener& opener) {
  Task task(request, stop, opener);
  if (auto done = task.run(); !done) task.report.failure = failure_of(done.error());
  return std::move(task.report);
}

}  // namespace oci_oauth
