// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/file_system.h"
#include "base/fingerprint.h"
#include "base/size.h"
#include "exchange/credential_document.h"
#include "exchange/directory_lock.h"
#include "exchange/login_store.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto wait_for_our_lock = seconds(30);
constexpr auto wait_for_foreign_locks = seconds(20);
constexpr Milliseconds assumed_life = std::chrono::hours(1);  // where the answer does not say
constexpr size_t room_for_longer_tokens = 64 * KiB;

FailureKind failure_kind(ErrorKind kind) {
  if (kind == ErrorKind::login_required) return FailureKind::login_required;
  return kind == ErrorKind::temporary ? FailureKind::busy : FailureKind::login;
}

FailureKind failure_kind(const TokenAnswer& answer) {
  switch (answer.kind) {
    case AnswerKind::login_required:
      return FailureKind::login_required;
    case AnswerKind::throttled:
      return FailureKind::throttled;
    case AnswerKind::unreadable:
      return FailureKind::unknown;
    case AnswerKind::invalid_scope:
    case AnswerKind::rejected:
      return FailureKind::rejected;
    case AnswerKind::granted:
    case AnswerKind::server_error:
      return FailureKind::server;
  }
  return FailureKind::server;
}

std::string expand(std::string text, std::string_view name, std::string_view value) {
  const size_t at = text.find(name);
  return at == std::string::npos ? text : text.replace(at, name.size(), value);
}

TokenRequest token_request(const Profile& profile, const Provider& provider, const Login& login) {
  const auto either = [](const std::string& own, const std::string& other) {
    return own.empty() ? other : own;
  };
  TokenRequest request;
  request.url = either(profile.token_url, provider.token_url);
  request.client_id = provider.client_id;
  request.user_agent = either(profile.user_agent, provider.user_agent);
  request.ca_file = profile.ca_file;
  request.proxy = profile.proxy;
  request.body = provider.body;
  if (provider.scope == ScopeRule::stored) request.scopes = login.scopes;
  return request;
}

class Exchange {
 public:
  Exchange(const ExchangeRequest& request, const std::function<bool()>& stop)
      : request_(request), stop_(stop) {}
  ExchangeReport run();

 private:
  Result<void> open_and_recover();
  Result<void> complete_journal(JournalEntry& entry);
  Result<void> read_login();
  bool is_due() const;
  std::string request_hash() const;
  bool may_send();
  void refresh();
  bool take_locks();
  std::optional<DirectoryLocks> take_save_locks();
  std::string expanded(const std::string& path) const {
    return expand(path, "{directory}", store_->directory());
  }
  LockManner manner(const std::string& owner_record) const;
  void tidy_up(const DirectoryIdentity& lock) const;
  bool is_save_lock(const std::string& path) const;
  void send();
  RequestResult post(const TokenRequest& request);
  bool is_still_ours();
  void keep_grant(long status, std::string_view body);
  void store();
  void refuse(const TokenAnswer& answer);
  void unanswered(const RequestFailure& failure);
  bool refused_token_is_current();
  void take_snapshot();
  void fail(ExchangeFailure failure);
  void fail(const Error& error) { fail({failure_kind(error.kind), error.message, error.hint}); }

  const ExchangeRequest& request_;
  const std::function<bool()>& stop_;
  ExchangeReport report_;
  std::optional<LoginStore> store_;
  std::optional<DirectoryLocks> locks_;
  std::optional<CredentialDocument> document_;
  FileStamp stamp_;  // of the file that document_ was read from, or written to
  std::string sent_hash_;
  std::optional<Error> why_not_sent_;  // something changed at the last moment
  std::optional<Time> interrupted_;    // an earlier refresh of this refresh token began then, and never ended
  std::optional<Grant> grant_;         // what the answer granted
  Result<void> grant_noted_;           // whether the journal has it
  bool journal_is_needed_ = false;     // by the next run
};

Result<void> Exchange::open_and_recover() {
  auto store = LoginStore::open(request_.profile.credentials, steady_clock::now() + wait_for_our_lock);
  if (!store) return std::move(store).error();
  store_.emplace(std::move(*store));
  auto journal = store_->journal();
  if (!journal) return std::move(journal).error();
  if (!*journal) return read_login();
  for (const DirectoryIdentity& lock : (*journal)->locks) {
    if (is_save_lock(lock.path)) tidy_up(lock);
  }
  auto completed = complete_journal(**journal);
  // Only now: another program that waits for them must not meet the old refresh token.
  for (const DirectoryIdentity& lock : (*journal)->locks) {
    if (!is_save_lock(lock.path)) tidy_up(lock);
  }
  if (completed && !journal_is_needed_) completed = store_->clear_journal();
  return completed;
}

// What an earlier run received is never thrown away; what it never received is told once.
Result<void> Exchange::complete_journal(JournalEntry& entry) {
  const bool saves = entry.grant || !entry.new_text.empty();
  const auto saving = saves ? take_save_locks() : std::nullopt;
  FileStamp stamp;
  auto text = store_->read(stamp);
  if (!text) return std::move(text).error();
  if (is_torn(text->reveal(), entry.old_text.reveal(), entry.new_text.reveal())) {
    if (auto replaced = store_->replace(entry.new_text); !replaced) return std::move(replaced).error();
  }
  if (auto read = read_login(); !read) return read;
  if (fingerprint(document_->login().refresh_token) != entry.refresh_token_hash) return {};
  const std::string name = short_fingerprint(entry.refresh_token_hash);
  if (!entry.grant) {
    interrupted_ = entry.began_at;
    report_.notices.push_back(fmt::format(
        "a refresh of token {} began at {} and its answer never arrived: if the login is now refused, a "
        "person must log in again",
        name, rfc3339(entry.began_at)));
    return {};
  }
  auto replaced = store_->replace(document_->with(*entry.grant, request_.provider.fields));
  if (!replaced) return std::move(replaced).error();
  stamp_ = *replaced;
  report_.notices.push_back(fmt::format("completed the refresh of token {} that was interrupted at {}", name,
                                        rfc3339(entry.began_at)));
  return {};
}

Result<void> Exchange::read_login() {
  FileStamp stamp;
  auto text = store_->read(stamp);
  if (!text) return std::move(text).error();
  auto document = CredentialDocument::parse(std::move(*text), store_->shown(), request_.provider.fields);
  if (!document) return std::move(document).error();
  document_.emplace(std::move(*document));
  stamp_ = stamp;
  return {};
}

bool Exchange::is_due() const {
  const Login& login = document_->login();
  const Time time = now();
  const bool known = fingerprint(login.access_token) == request_.published.access_token_hash;
  const Time obtained_at = known ? request_.published.obtained_at : time;
  const Milliseconds life = life_of_token(request_.published, login.expires_at, time);
  const Time due = due_at(login.expires_at, life, request_.profile.refresh_before);
  if (freshness(time, obtained_at, due, login.expires_at) != Freshness::fresh) return true;
  // No refresh brings a token that lives longer than the server lets it.
  const bool is_possible = life <= Milliseconds(0) || request_.min_ttl < life;
  return is_possible && login.expires_at - time < request_.min_ttl;
}

// What an answer belongs to: with another refresh token, endpoint, client or scope it may be another one.
std::string Exchange::request_hash() const {
  const TokenRequest request = token_request(request_.profile, request_.provider, document_->login());
  return fingerprint(Secret(fmt::format("{}\n{}\n{}\n{}", fingerprint(document_->login().refresh_token),
                                        request.url, request.client_id, fmt::join(request.scopes, " "))));
}

void Exchange::fail(ExchangeFailure failure) {
  if (document_) failure.request_hash = request_hash();
  report_.failure = std::move(failure);
}

// False where the answer is known: this very request was refused for good, or failed a while ago.
bool Exchange::may_send() {
  const Published& known = request_.published;
  const std::string request = request_hash();
  const bool is_dead = request == known.dead_request_hash;
  const bool rests =
      known.rests(now()) && (known.failed_request_hash.empty() || known.failed_request_hash == request);
  if (!is_dead && !rests) return true;
  if (request_.force == Force::yes) {
    report_.notices.push_back(is_dead
                                  ? "asking although the server refused this login"
                                  : fmt::format("asking although the endpoint is to be left alone until {}",
                                                rfc3339(known.not_before)));
    return true;
  }
  const FailureKind last = known.last_error ? known.last_error->kind : FailureKind::throttled;
  const FailureKind kind = is_dead ? FailureKind::login_required : last;
  std::string message =
      is_dead ? fmt::format("{}: the server refused this refresh token for good", store_->shown())
              : fmt::format("not asking the token endpoint before {}", rfc3339(known.not_before));
  if (!is_dead && known.last_error) message += ": " + known.last_error->message;
  std::string hint(is_dead ? rule_of(kind).hint : "wait, or override it once with --force");
  fail({.kind = kind, .message = std::move(message), .hint = std::move(hint), .is_known = true});
  return false;
}

ExchangeReport Exchange::run() {
  if (auto opened = open_and_recover(); !opened) {
    fail(opened.error());
    return std::move(report_);
  }
  const bool wanted = request_.endpoint == Endpoint::asked && !journal_is_needed_ &&
                      (request_.force == Force::yes || is_due());
  if (wanted && may_send()) refresh();
  take_snapshot();
  return std::move(report_);
}

void Exchange::refresh() {
  if (auto prepared = store_->prepare(static_cast<size_t>(stamp_.size) + room_for_longer_tokens); !prepared) {
    return fail(prepared.error());
  }
  const std::string before = fingerprint(document_->login().refresh_token);
  if (take_locks()) {
    // Another program may have refreshed while we waited.
    const auto read = read_login();
    if (!read) {
      fail(read.error());
    } else if (fingerprint(document_->login().refresh_token) == before || is_due()) {
      send();
    }
  }
  // The journal names the locks, so they go first.
  locks_.reset();
  if (journal_is_needed_) return;
  if (auto cleared = store_->clear_journal(); !cleared) report_.notices.push_back(cleared.error().message);
}

bool Exchange::take_locks() {
  std::vector<ProviderLock> wanted;
  for (const std::string& lock : request_.provider.locks) wanted.push_back({expanded(lock)});
  auto locks = DirectoryLocks::acquire(
      wanted, steady_clock::now() + wait_for_foreign_locks, stop_,
      [this](const auto& lock) { return store_->note_lock(lock); }, manner(request_.provider.lock_owner));
  if (locks) {
    for (const std::string& notice : locks->passed_over()) report_.notices.push_back(notice);
    locks_.emplace(std::move(*locks));
  } else {
    fail(locks.error());
  }
  return locks.has_value();
}

// Two logins of one directory share its locks, and each may leave something beside them.
LockManner Exchange::manner(const std::string& owner_record) const {
  return {fingerprint(Secret(store_->shown())).substr(0, 8), expanded(owner_record)};
}

bool Exchange::is_save_lock(const std::string& path) const {
  return std::ranges::any_of(request_.provider.save_locks,
                             [&](const ProviderLock& lock) { return expanded(lock.path) == path; });
}

void Exchange::tidy_up(const DirectoryIdentity& lock) const {
  remove_left_behind(lock, manner(is_save_lock(lock.path) ? "" : request_.provider.lock_owner));
}

// A program that read the document before our rename and writes its own change of it afterwards would put the
// spent refresh token back; these locks keep it out. One that holds them for longer than makes them stale is
// not waited for: the journal then keeps the grant, and the next run brings it back where it was overwritten.
std::optional<DirectoryLocks> Exchange::take_save_locks() {
  std::vector<ProviderLock> wanted = request_.provider.save_locks;
  Milliseconds longest(0);
  for (ProviderLock& lock : wanted) {
    lock.path = expanded(lock.path);
    longest = std::max(longest, lock.stale_after);
  }
  const auto keep_waiting = [this] {
    if (locks_) (void)locks_->keep_alive(steady_clock::now());
    return false;
  };
  auto locks = DirectoryLocks::acquire(
      wanted, steady_clock::now() + longest + seconds(1), keep_waiting,
      [this](const auto& lock) { return store_->note_lock(lock); }, manner(""));
  if (locks) return std::optional(std::move(*locks));
  journal_is_needed_ = true;
  report_.notices.push_back(locks.error().message + "; saving the login without it");
  return std::nullopt;
}

void Exchange::send() {
  if (stop_()) {
    return fail({FailureKind::network, "interrupted before anything was sent", ""});
  }
  sent_hash_ = fingerprint(document_->login().refresh_token);
  if (auto noted = store_->note_request(sent_hash_, now()); !noted) return fail(noted.error());

  TokenRequest request = token_request(request_.profile, request_.provider, document_->login());
  const SteadyTime began = steady_clock::now();
  RequestResult result = post(request);
  const auto* reply = std::get_if<HttpReply>(&result);
  if (reply != nullptr && !request.scopes.empty() &&
      read_token_answer(*reply, now()).kind == AnswerKind::invalid_scope) {
    // A refused scope spends nothing, so this is no second spend. Both share the time of one, and the locks.
    request.scopes.clear();
    const auto spent = std::chrono::duration_cast<Milliseconds>(steady_clock::now() - began);
    request.total_timeout = std::max<Milliseconds>(request.total_timeout - spent, seconds(1));
    result = post(request);
    reply = std::get_if<HttpReply>(&result);
  }
  if (grant_) return store();
  if (reply != nullptr) return refuse(read_token_answer(*reply, now()));
  unanswered(std::get<RequestFailure>(result));
}

RequestResult Exchange::post(const TokenRequest& request) {
  return post_token_request(
      request, document_->login().refresh_token,
      {.waiting = [this] { (void)locks_->keep_alive(steady_clock::now()); },
       .may_send = [this] { return is_still_ours(); },
       .arriving = [this](long status, std::string_view body) { keep_grant(status, body); }});
}

// A host that slept, or a connection that took long, may have cost us the locks.
bool Exchange::is_still_ours() {
  auto ours = locks_->touch(steady_clock::now());
  if (ours) ours = store_->check_unchanged(stamp_);
  if (!ours) why_not_sent_ = std::move(ours).error();
  return !why_not_sent_;
}

// Called while the answer arrives: as soon as it says what it grants, that is durable.
void Exchange::keep_grant(long status, std::string_view body) {
  const auto arrived = steady_clock::now();
  if (grant_ || status < 200 || status >= 300) return;
  const TokenAnswer answer =
      read_token_answer({.status = status, .retry_after = "", .date = "", .body = Secret(body)}, now());
  if (answer.kind != AnswerKind::granted) return;
  const Secret& old = document_->login().refresh_token;
  const Secret& rotated = answer.refresh_token.empty() ? old : answer.refresh_token;
  grant_.emplace(Grant{Secret(answer.access_token.reveal()), Secret(rotated.reveal()),
                       now() + answer.expires_in.value_or(assumed_life)});
  grant_noted_ = store_->note_grant(*grant_);
  report_.stored_in = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - arrived);
}

void Exchange::refuse(const TokenAnswer& answer) {
  const FailureKind kind = failure_kind(answer);
  const FailureRule& rule = rule_of(kind);
  // The fence stays, and the next run tells.
  journal_is_needed_ = rule.refresh_token == RefreshToken::maybe_spent;
  const bool dead = kind == FailureKind::login_required;
  if (dead && !refused_token_is_current()) {
    report_.notices.emplace_back("another program rotated the login meanwhile; using what it wrote");
    return;
  }
  std::string message = "token endpoint: " + answer.message;
  if (dead && interrupted_) {
    message +=
        fmt::format("; an earlier refresh began at {} and its answer never arrived", rfc3339(*interrupted_));
  }
  fail({kind, std::move(message), std::string(rule.hint), answer.retry_after});
}

void Exchange::unanswered(const RequestFailure& failure) {
  if (why_not_sent_) {
    return fail({failure_kind(why_not_sent_->kind), why_not_sent_->message,
                 "nothing was sent; the next run tries again"});
  }
  const bool sent = failure.sent != RequestFailure::Sent::no;
  const FailureKind kind = sent ? FailureKind::unknown : FailureKind::network;
  const FailureRule& rule = rule_of(kind);
  journal_is_needed_ = rule.refresh_token == RefreshToken::maybe_spent;
  fail({kind, failure.message, std::string(rule.hint)});
}

// invalid_grant is no verdict on a refresh token that somebody else put there meanwhile.
bool Exchange::refused_token_is_current() {
  return !read_login() || fingerprint(document_->login().refresh_token) == sent_hash_;
}

void Exchange::store() {
  report_.refreshed = true;
  // Even without a journal the answer may still reach the document.
  if (!grant_noted_) report_.notices.push_back(grant_noted_.error().message);

  const auto saving = take_save_locks();
  const auto read = read_login();
  if (read && fingerprint(document_->login().refresh_token) != sent_hash_) {
    report_.notices.emplace_back("another program wrote a newer login meanwhile; it stays");
    return;
  }
  const bool logged_out =
      !read && (read.error().kind == ErrorKind::not_found || read.error().kind == ErrorKind::login_required);
  auto replaced = logged_out ? Result<FileStamp>(read.error())
                             : store_->replace(document_->with(*grant_, request_.provider.fields));
  if (replaced) {
    stamp_ = *replaced;
    return;
  }
  journal_is_needed_ = grant_noted_.has_value();
  Error error = std::move(replaced).error();
  if (journal_is_needed_) {
    error.hint = "the new login is kept in .oci-oauth.journal beside it, and the next run completes it";
  }
  fail(error);
}

void Exchange::take_snapshot() {
  const Login& login = document_->login();
  LoginSnapshot snapshot;
  snapshot.stamp = stamp_;
  snapshot.is_on_local_storage = is_local_file_system(store_->shown());
  snapshot.access_token_hash = fingerprint(login.access_token);
  snapshot.request_hash = request_hash();
  snapshot.expires_at = login.expires_at;
  snapshot.login_expires_at = login.login_expires_at;
  snapshot.files.emplace_back(token_file, Secret(login.access_token.reveal()));
  for (const DeliveredFile& file : request_.provider.deliver) {
    snapshot.files.emplace_back(file.name, document_->delivered(file));
  }
  report_.login = std::move(snapshot);
}

}  // namespace

ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop) {
  return Exchange(request, stop).run();
}

}  // namespace oci_oauth
