// SPDX-License-Identifier: Apache-2.0
#include "exchange/fleet_task.h"

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/path.h"
#include "exchange/exchange_failure.h"
#include "exchange/fleet_login.h"
#include "exchange/recovery.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto wait_for_locks = seconds(30);

bool has_text(const Secret& text, const Secret& secret) {
  return !secret.empty() && text.reveal().find(secret.reveal()) != std::string_view::npos;
}

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

  Result<void> open(Document document);
  Result<LoginRecord> joined(const CredentialDocument& document);
  bool is_ours(LoginState state) const;
  bool is_begun(const CredentialDocument& document) const;
  bool is_shown() const { return request_.fleet->change == FleetChange::shown; }
  void tell(std::string what) { report.notices.push_back(std::move(what)); }
  const std::string& profile() const { return request_.profile.name; }

  const ExchangeRequest& request_;
  const std::function<bool()>& stop_;
  const FleetOpener& opener_;
  std::optional<LoginStore> local_;
  std::optional<LoginLocks> locks_;
  std::optional<FleetLogin> fleet_;
};

Result<void> Task::open(Document document) {
  local_.emplace(
      TRY(LoginStore::open(request_.profile.credentials, steady_clock::now() + wait_for_locks, document)));
  locks_.emplace(request_.provider, *local_, stop_, report.notices);
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
  const std::string half = TRY(public_half(signing));
  const std::pair<const char*, Secret> files[] = {
      {login_key_file, Secret(key_line(random_key()))},
      {access_key_file, Secret(key_line(random_key()))},
      {signing_key_file, Secret(key_line(signing))},
      {signers_file, Secret(key_line(Secret(std::string_view(half))))}};
  for (const auto& [name, text] : files) {
    const bool is_public = std::string_view(name) == signers_file;
    tell(fmt::format("{}{}/{}: {}", is_shown() ? "would make " : "made ", directory, name,
                     is_public                                   ? "for every host, may be read by everybody"
                     : std::string_view(name) == access_key_file ? "for every host"
                                                                 : "for refreshers only"));
    if (is_shown()) continue;
    TRY(replace_file(fd.get(), name, directory, text.reveal(),
                     {static_cast<mode_t>(is_public ? 0444 : 0400)}));
  }
  return is_shown() ? Result<void>() : sync_directory(fd.get(), directory);
}

// The login as the store gets it, after what is there.
Result<LoginRecord> Task::joined(const CredentialDocument& document) {
  const LoginRecord* const there = fleet_->record();
  const bool is_alive = there != nullptr && there->state == LoginState::live;
  if (is_alive && request_.force == Force::no) {
    return Error{ErrorKind::failed,
                 fmt::format("the fleet already has a login of this name, token {} in generation {}",
                             short_fingerprint(there->refresh_token_hash), there->generation),
                 fmt::format("to replace it: oci-oauth fleet join --force {}", profile())};
  }
  const Login& login = document.login();
  LoginRecord next;
  next.profile = profile();
  next.epoch = random_name();
  next.ordinal = fleet_->newest_ordinal() + 1;
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
  const auto entry = TRY(local_->journal().replay());
  const bool was_joined = entry && entry->rotation;
  const Recovery recovery =
      was_joined ? Recovery{} : TRY(recover(*local_, *locks_, request_.provider.fields));
  if (recovery.journal_is_needed || recovery.interrupted)
    return Error{ErrorKind::temporary,
                 fmt::format("{}: contains a refresh that is not complete", local_->journal().shown()),
                 fmt::format("oci-oauth refresh {}", profile())};
  fleet_.emplace(TRY(FleetLogin::open(request_, *local_, stop_, report.notices, opener_)));
  // What this host began with the fleet's earlier login is finished as far as it can be.
  const auto never = [](const CredentialDocument&) { return false; };
  if (was_joined) (void)TRY(fleet_->look(never, Force::no));
  if (!is_shown()) TRY(locks_->take(steady_clock::now() + wait_for_locks));
  const CredentialDocument document = TRY(local_->read(request_.provider.fields));
  TRY(fleet_->read());
  if (document.login().refresh_token.empty() && !is_ours(LoginState::joining)) {
    const bool is_moved = fleet_->record() != nullptr && fleet_->record()->state == LoginState::live;
    return Error{
        ErrorKind::action_required,
        fmt::format("{}: contains no refresh token{}", local_->shown(), is_moved ? ": the fleet has it" : ""),
        is_moved ? fmt::format("oci-oauth fleet status {}", profile())
                 : "log in again with the program that owns this login"};
  }
  LoginRecord next = is_begun(document) ? fleet_->record()->copy() : TRY(joined(document));
  if (is_shown()) {
    tell(fmt::format("would move token {} of {} to the fleet's store, as login {}",
                     short_fingerprint(next.refresh_token_hash), local_->shown(), next.ordinal));
    return {};
  }
  if (!document.login().refresh_token.empty())
    TRY(move_in(*fleet_, *local_, request_.provider, std::move(next), report.notices));
  locks_->give_back();
  (void)TRY(fleet_->look(never, Force::no));
  return local_->journal().clear();
}

bool Task::is_ours(LoginState state) const {
  const LoginRecord* const there = fleet_->record();
  return there != nullptr && there->state == state && there->by == request_.fleet->config.host;
}

// By a run that was interrupted.
bool Task::is_begun(const CredentialDocument& document) const {
  const Secret& token = document.login().refresh_token;
  const LoginRecord* const there = fleet_->record();
  const bool is_same = there != nullptr && there->refresh_token_hash == fingerprint(token);
  return (is_ours(LoginState::joining) && (is_same || token.empty())) ||
         (is_same && there->state == LoginState::live);
}

Result<void> Task::leave() {
  TRY(open(Document::created));
  fleet_.emplace(TRY(FleetLogin::open(request_, *local_, stop_, report.notices, opener_)));
  const auto never = [](const CredentialDocument&) { return false; };
  (void)TRY(fleet_->look(never, Force::no));
  const LoginRecord* const there = fleet_->record();
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
                     short_fingerprint(there->refresh_token_hash), local_->shown()));
    return {};
  }
  TRY(local_->prepare(there->document.reveal().size()));
  // First the store: the token is in two places at no time.
  if (!is_moved) {
    LoginRecord next = there->copy();
    ++next.serial;
    next.nonce = random_name();
    next.by = request_.fleet->config.host;
    next.state = LoginState::moved;
    if (!TRY(fleet_->write(std::move(next))))
      return Error{ErrorKind::temporary,
                   "another host changed the login at the same time; nothing was moved"};
  }
  TRY(local_->replace(fleet_->record()->document));
  tell(fmt::format("the login is in {}; remove \"fleet\" from the profile", local_->shown()));
  return {};
}

Result<void> Task::rekey() {
  TRY(open(Document::created));
  fleet_.emplace(TRY(FleetLogin::open(request_, *local_, stop_, report.notices, opener_)));
  TRY(fleet_->read());
  if (fleet_->record() == nullptr) return Error{ErrorKind::failed, "the fleet's store has no such login"};
  tell(fmt::format("{} with the key {}", is_shown() ? "would seal the login" : "sealed the login",
                   fleet_->sealing_key()));
  if (is_shown()) return {};
  LoginRecord next = fleet_->record()->copy();
  ++next.serial;
  next.nonce = random_name();
  if (TRY(fleet_->write(std::move(next)))) return fleet_->seal_access_anew();
  return Error{ErrorKind::temporary, "another host changed the login at the same time",
               "oci-oauth fleet rekey"};
}

Result<void> Task::look() {
  const FleetAccess& fleet = *request_.fleet;
  FleetStatus& status = report.fleet.emplace();
  if (const auto end = end_of_certificate(fleet.certificate.reveal())) status.certificate_expires_at = *end;
  FleetClient client = TRY(opener_(fleet));
  if (fleet.config.role == FleetRole::refresher) look_here(client.keys, status);
  return client.look(profile(), status);
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
  const auto document = CredentialDocument::parse(Secret(std::move(*text)), path, request_.provider.fields);
  const auto login = document ? local_login(*document) : std::nullopt;
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

Result<Secret> access_only(const CredentialDocument& document, const CredentialFields& fields) {
  JsonValue json = TRY(parse_json(document.text().reveal(), ""));
  for (const std::string& pointer : {fields.refresh_token, fields.client_secret}) {
    auto path = parse_json_pointer(pointer);
    if (!path || json_at(json, *path) == nullptr) continue;
    json_set_at(json, *path, to_json(""));
  }
  Secret text = write_json(json);
  const Login& login = document.login();
  if (!has_text(text, login.refresh_token) && !has_text(text, login.client_secret)) return text;
  return Error{ErrorKind::failed, "the login has its refresh token or its client's secret in two places"};
}

Result<void> move_in(FleetLogin& fleet, LoginStore& local, const Provider& provider, LoginRecord next,
                     std::vector<std::string>& notices) {
  const auto document = TRY(local.read(provider.fields));
  const std::string hash = fingerprint(document.login().refresh_token);
  const Secret kept = TRY(access_only(document, provider.fields));
  const bool is_there = fleet.record() != nullptr && fleet.record()->nonce == next.nonce;
  const auto number = next.ordinal;
  next.document = document.text().copy();
  const Error changed = {ErrorKind::temporary, "the login changed at the same time; nothing was moved"};
  if (hash != next.refresh_token_hash) return changed;
  if (!is_there && !TRY(fleet.write(std::move(next)))) return changed;
  TRY(fleet.trust());
  TRY(local.replace(kept));
  notices.push_back(fmt::format("token {} of {} is in the fleet's store, and only there, as login {}",
                                short_fingerprint(hash), local.shown(), number));
  return {};
}

std::optional<FileStamp> keep_access_only(LoginStore& local, LoginLocks& locks, const FleetLogin& fleet,
                                          const CredentialDocument& document, const Provider& provider,
                                          std::vector<std::string>& notices) {
  if (fleet.record()->state == LoginState::joining) return std::nullopt;
  const auto wanted = access_only(document, provider.fields);
  const auto there = local.read();
  if (!wanted || (!there && there.error().kind != ErrorKind::not_found)) return std::nullopt;
  if (there) {
    if (there->text == *wanted) return there->stamp;
    const auto old = CredentialDocument::parse(there->text.copy(), local.shown(), provider.fields);
    const auto login = old ? local_login(*old) : std::nullopt;
    if (login && !fleet.has_had(login->refresh_token_hash)) {
      notices.push_back(
          is_newer(*login, *fleet.record())
              ? fmt::format("{}: a new login is on this host, and the fleet's works: to replace that: "
                            "oci-oauth fleet join --force {}",
                            local.shown(), fleet.record()->profile)
              : fmt::format("{}: has token {}, which is not newer than the fleet's login, and is left alone: "
                            "to replace the fleet's: oci-oauth fleet join --force {}",
                            local.shown(), short_fingerprint(login->refresh_token_hash),
                            fleet.record()->profile));
      return std::nullopt;
    }
  }
  const auto saving = locks.take_for_saving();
  auto replaced = local.replace(*wanted);
  if (replaced) return *replaced;
  notices.push_back(replaced.error().message);
  return std::nullopt;
}

ExchangeReport do_fleet_task(const ExchangeRequest& request, const std::function<bool()>& stop,
                             const FleetOpener& opener) {
  Task task(request, stop, opener);
  if (auto done = task.run(); !done) task.report.failure = failure_of(done.error());
  return std::move(task.report);
}

}  // namespace oci_oauth
