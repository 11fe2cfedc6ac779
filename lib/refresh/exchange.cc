// SPDX-License-Identifier: Apache-2.0
#include "refresh/exchange.h"

#include <fmt/format.h>

#include "base/size.h"
#include "refresh/credential_document.h"
#include "refresh/directory_lock.h"
#include "refresh/fingerprint.h"
#include "refresh/login_store.h"
#include "refresh/token_answer.h"
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

FailureKind failure_kind(AnswerKind kind) {
  switch (kind) {
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
  Result<void> complete_journal(JournalEntry entry);
  Result<void> read_login();
  bool is_due() const;
  bool may_send();
  void refresh();
  void send();
  void handle(TokenAnswer answer);
  void store(TokenAnswer answer);
  bool refused_token_is_current();
  void take_snapshot();
  void fail(ExchangeFailure failure) { report_.failure = std::move(failure); }
  void fail(const Error& error) { fail({failure_kind(error.kind), error.message, error.hint, {}, {}}); }

  const ExchangeRequest& request_;
  const std::function<bool()>& stop_;
  ExchangeReport report_;
  std::optional<LoginStore> store_;
  std::optional<DirectoryLocks> locks_;
  std::optional<CredentialDocument> document_;
  FileStamp stamp_;  // of the file that document_ was read from, or written to
  std::string sent_hash_;
};

Result<void> Exchange::open_and_recover() {
  auto store = LoginStore::open(request_.profile.credentials, steady_clock::now() + wait_for_our_lock);
  if (!store) return std::move(store).error();
  store_.emplace(std::move(*store));
  auto journal = store_->journal();
  if (!journal) return std::move(journal).error();
  if (*journal) {
    for (const DirectoryIdentity& lock : (*journal)->locks) remove_left_behind(lock);
    if (auto completed = complete_journal(std::move(**journal)); !completed) return completed;
  }
  return read_login();
}

// What an earlier run received is never thrown away; what it never received is told once.
Result<void> Exchange::complete_journal(JournalEntry entry) {
  auto read = read_login();
  if (!read && entry.document.empty()) return read;
  if (!read) {
    // Half a document: the run that rewrote it in place was interrupted.
    if (auto replaced = store_->replace(entry.document); !replaced) return std::move(replaced).error();
    if (read = read_login(); !read) return read;
  }
  const std::string name = short_fingerprint(entry.refresh_token_hash);
  const bool still_there = fingerprint(document_->login().refresh_token) == entry.refresh_token_hash;
  if (entry.grant && still_there) {
    const Secret text = document_->with(*entry.grant, request_.provider.fields);
    if (auto replaced = store_->replace(text); !replaced) return std::move(replaced).error();
    report_.notices.push_back(fmt::format("completed the refresh of token {} that was interrupted at {}",
                                          name, rfc3339(entry.began_at)));
  } else if (!entry.grant && still_there) {
    report_.notices.push_back(fmt::format(
        "a refresh of token {} began at {} and its answer never arrived: if the login is now refused, a "
        "person must log in again",
        name, rfc3339(entry.began_at)));
  }
  return store_->clear_journal();
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
  const Time due = due_at(obtained_at, login.expires_at, request_.profile.refresh_before);
  return freshness(time, due, login.expires_at) != Freshness::fresh ||
         login.expires_at - time < request_.min_ttl;
}

bool Exchange::may_send() {
  const Published& known = request_.published;
  if (fingerprint(document_->login().refresh_token) == known.dead_refresh_token_hash) {
    fail({FailureKind::login_required,
          fmt::format("{}: the server refused this refresh token for good", store_->shown()),
          "log in again with the program that owns this file",
          {},
          known.dead_refresh_token_hash});
    return false;
  }
  if (now() >= known.not_before) return true;
  if (request_.force == Force::yes) {
    report_.notices.push_back(
        fmt::format("asking although the endpoint wants rest until {}", rfc3339(known.not_before)));
    return true;
  }
  fail({FailureKind::throttled,
        fmt::format("not asking the token endpoint before {}", rfc3339(known.not_before)),
        "wait, or override it once with --force",
        {},
        {}});
  return false;
}

ExchangeReport Exchange::run() {
  if (auto opened = open_and_recover(); !opened) {
    fail(opened.error());
    return std::move(report_);
  }
  const bool wanted = request_.endpoint == Endpoint::asked && (request_.force == Force::yes || is_due());
  if (wanted && may_send()) refresh();
  take_snapshot();
  return std::move(report_);
}

void Exchange::refresh() {
  if (auto prepared = store_->prepare(static_cast<size_t>(stamp_.size) + room_for_longer_tokens); !prepared) {
    return fail(prepared.error());
  }
  std::vector<std::string> paths;
  for (const std::string& lock : request_.provider.locks) {
    paths.push_back(expand(lock, "{directory}", store_->directory()));
  }
  auto locks = DirectoryLocks::acquire(paths, steady_clock::now() + wait_for_foreign_locks, stop_);
  if (!locks) return fail(locks.error());
  locks_.emplace(std::move(*locks));

  // Another program may have refreshed while we waited.
  const std::string before = fingerprint(document_->login().refresh_token);
  if (auto read = read_login(); !read) return fail(read.error());
  const bool changed = fingerprint(document_->login().refresh_token) != before;
  if (!changed || is_due()) send();
  locks_.reset();
}

void Exchange::send() {
  if (stop_()) {
    return fail({FailureKind::network, "interrupted before anything was sent", "", {}, {}});
  }
  sent_hash_ = fingerprint(document_->login().refresh_token);
  if (auto noted = store_->note_request(sent_hash_, now(), locks_->identities()); !noted)
    return fail(noted.error());

  TokenRequest request = token_request(request_.profile, request_.provider, document_->login());
  const auto keep_alive = [this] { locks_->keep_alive(steady_clock::now()); };
  RequestResult result = post_token_request(request, document_->login().refresh_token, keep_alive);
  if (const auto* reply = std::get_if<HttpReply>(&result); reply != nullptr && !request.scopes.empty()) {
    // A refused scope spends nothing, so this is no second spend.
    if (read_token_answer(*reply, now()).kind == AnswerKind::invalid_scope) {
      request.scopes.clear();
      result = post_token_request(request, document_->login().refresh_token, keep_alive);
    }
  }
  if (const auto* failure = std::get_if<RequestFailure>(&result)) {
    const bool unsent = failure->sent == RequestFailure::Sent::no;
    if (unsent) (void)store_->clear_journal();
    return fail({unsent ? FailureKind::network : FailureKind::unknown,
                 failure->message,
                 unsent ? "nothing was sent; the next run tries again"
                        : "the request was sent and no answer arrived; the next run tries again",
                 {},
                 {}});
  }
  handle(read_token_answer(std::get<HttpReply>(result), now()));
}

void Exchange::handle(TokenAnswer answer) {
  if (answer.kind == AnswerKind::granted) return store(std::move(answer));
  // A 200 without a token may have spent the refresh token: the fence stays, and the next run tells.
  if (answer.kind != AnswerKind::unreadable) (void)store_->clear_journal();
  if (answer.kind == AnswerKind::login_required && !refused_token_is_current()) {
    report_.notices.emplace_back("another program rotated the login meanwhile; using what it wrote");
    return;
  }
  const bool dead = answer.kind == AnswerKind::login_required;
  fail({failure_kind(answer.kind), "token endpoint: " + answer.message,
        dead ? "log in again with the program that owns this login" : "", answer.retry_after,
        dead ? sent_hash_ : ""});
}

// invalid_grant is no verdict on a refresh token that somebody else put there meanwhile.
bool Exchange::refused_token_is_current() {
  return !read_login() || fingerprint(document_->login().refresh_token) == sent_hash_;
}

void Exchange::store(TokenAnswer answer) {
  const auto arrived = steady_clock::now();
  const Milliseconds life = answer.expires_in.value_or(assumed_life);
  const std::string_view rotated = answer.refresh_token.empty() ? document_->login().refresh_token.reveal()
                                                                : answer.refresh_token.reveal();
  const Grant grant = {Secret(answer.access_token.reveal()), Secret(rotated), now() + life};
  const auto noted = store_->note_grant(grant);
  report_.stored_in = std::chrono::duration_cast<Milliseconds>(steady_clock::now() - arrived);
  // Even without a journal the answer may still reach the document.
  if (!noted) report_.notices.push_back(noted.error().message);
  report_.refreshed = true;

  if (auto read = read_login(); read && fingerprint(document_->login().refresh_token) != sent_hash_) {
    report_.notices.emplace_back("another program wrote a newer login meanwhile; it stays");
    (void)store_->clear_journal();
    return;
  }
  const Secret text = document_->with(grant, request_.provider.fields);
  auto replaced = store_->replace(text);
  if (!replaced) {
    Error error = std::move(replaced).error();
    if (noted)
      error.hint = "the new login is kept in .oci-oauth.journal beside it, and the next run completes it";
    return fail(error);
  }
  stamp_ = *replaced;
  if (auto cleared = store_->clear_journal(); !cleared) report_.notices.push_back(cleared.error().message);
}

void Exchange::take_snapshot() {
  const Login& login = document_->login();
  LoginSnapshot snapshot;
  snapshot.stamp = stamp_;
  snapshot.access_token_hash = fingerprint(login.access_token);
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
