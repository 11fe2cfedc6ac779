// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <algorithm>

#include "base/file_system.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/command_source.h"
#include "exchange/due.h"
#include "exchange/exchange_failure.h"
#include "exchange/exchange_run.h"
#include "exchange/fleet_task.h"
#include "exchange/recovery.h"
#include "exchange/server_metadata.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"
#include "worker/stop_signals.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto wait_for_our_lock = seconds(30);
constexpr auto wait_for_foreign_locks = seconds(20);
constexpr size_t client_limit = 64 * KiB;

}  // namespace

Result<void> Exchange::open_and_recover() {
  const SteadyTime deadline = steady_clock::now() + wait_for_our_lock;
  const Profile& profile = request_.profile;
  store_.emplace(
      TRY(LoginStore::open(profile.credentials, deadline,
                           request_.fleet ? Document::created : Document::required, profile.entry)));
  locks_.emplace(request_.provider, *store_, stop_, report_.notices);
  if (request_.fleet) return open_fleet();
  const auto recovery = TRY(recover(*store_, *locks_, request_.provider.fields));
  report_.notices.insert(report_.notices.end(), recovery.notices.begin(), recovery.notices.end());
  interrupted_ = recovery.interrupted;
  journal_is_needed_ = recovery.journal_is_needed;
  return read_login();
}

Result<void> Exchange::read_login() {
  auto content = fleet_ ? LoginStore::Content{fleet_->text(), stamp_} : TRY(store_->read());
  const std::string shown = fleet_ ? login_key(request_.profile.name) : store_->shown();
  document_.emplace(TRY(CredentialDocument::parse(std::move(content.text), shown, request_.provider.fields)));
  stamp_ = content.stamp;
  complete_login();
  client_ = add_client();
  return {};
}

Result<void> Exchange::add_client() {
  const std::string& file = request_.profile.client_file;
  if (file.empty()) return {};
  const Secret text(TRY(read_file({.path = file}, client_limit)));
  document_->complete(TRY(parse_json(text.reveal(), file)));
  return {};
}

// What the document does not say is known of the token that is published.
void Exchange::complete_login() {
  const Login& login = document_->login();
  const bool has_place = !request_.provider.fields.access_token.empty();
  const Secret& token = has_place ? login.access_token : request_.published_token;
  const auto expiry = request_.known.published.known_expiry();
  if (!token.empty() && expiry && fingerprint(token) == request_.known.published.access_token_hash)
    document_->complete(token, *expiry);
}

bool Exchange::is_due() const {
  const Login& login = document_->login();
  return oci_oauth::is_due(request_, fingerprint(login.access_token), expiry_of(login), now());
}

// What an answer depends on: with another refresh token, endpoint, client or scope it may be different.
std::string Exchange::request_hash() const {
  const Login& login = document_->login();
  const TokenRequest request = token_request(request_.profile, request_.provider, login);
  // Without a refresh token, the access token identifies the login.
  const Secret& token = login.refresh_token.empty() ? login.access_token : login.refresh_token;
  return fingerprint(Secret(fmt::format("{}\n{}\n{}\n{}", fingerprint(token),
                                        request.url.empty() ? request.issuer : request.url, request.client_id,
                                        fmt::join(request.scopes, " "))));
}

void Exchange::fail(ExchangeFailure failure) {
  if (document_) failure.request_hash = request_hash();
  report_.failure = std::move(failure);
}

bool Exchange::may_send() {
  auto failure = known_failure(request_, request_hash(), store_->shown(), report_.notices, now());
  if (failure) fail(std::move(*failure));
  return !failure;
}

ExchangeReport Exchange::run() {
  if (auto opened = open_and_recover(); !opened) {
    fail(opened.error());
    return std::move(report_);
  }
  if (fleet_) {
    run_in_fleet();
    return std::move(report_);
  }
  const bool wanted = request_.endpoint == Endpoint::asked && !journal_is_needed_ &&
                      (request_.force == Force::yes || is_due());
  const bool is_possible = !document_->login().refresh_token.empty();
  if (wanted && is_possible && may_send()) refresh();
  if (!is_possible) check_unrefreshable();
  take_snapshot();
  return std::move(report_);
}

// What each login may have, or lack.
Result<void> Exchange::check_refreshable(const TokenRequest& request) const {
  TRY(client_);
  const bool has_server = !request.url.empty() || !request.issuer.empty() || !request.resource.empty();
  if (has_server && !request.client_id.empty()) return {};
  const char* const key = has_server ? "client_id" : "issuer";
  return Error{
      ErrorKind::failed,
      fmt::format("{}: cannot be refreshed: has no {}", store_->shown(), has_server ? "client" : "server"),
      fmt::format("set \"{}\" in the profile", key)};
}

// Before any lock is taken.
bool Exchange::find_endpoint() {
  const TokenRequest request = token_request(request_.profile, request_.provider, document_->login());
  if (const auto refreshable = check_refreshable(request); !refreshable) {
    fail(refreshable.error());
    return false;
  }
  server_.token_url = request.url;
  if (!request.url.empty()) return true;
  auto server = discover(request);
  if (server) server_ = std::move(*server);
  if (!server_.token_url.empty()) return true;
  const Error error =
      server ? Error{ErrorKind::failed, "the server's metadata has no token_endpoint"} : server.error();
  const bool is_away = error.kind == ErrorKind::temporary;
  fail({is_away ? FailureKind::network : FailureKind::server, "issuer: " + error.message, error.hint});
  return false;
}

void Exchange::refresh() {
  if (!find_endpoint()) return;
  if (auto prepared = store_->prepare(static_cast<size_t>(stamp_.size) + room_for_longer_tokens); !prepared) {
    return fail(prepared.error());
  }
  const std::string before = fingerprint(document_->login().refresh_token);
  if (auto taken = locks_->take(steady_clock::now() + wait_for_foreign_locks); !taken) {
    fail(taken.error());
  } else {
    // Another program may have refreshed while we waited.
    const auto read = read_login();
    if (!read) {
      fail(read.error());
    } else if (fingerprint(document_->login().refresh_token) == before || is_due()) {
      send();
    }
  }
  // The journal names the locks, so they are released first.
  locks_->give_back();
  if (journal_is_needed_) return;
  if (auto cleared = store_->journal().clear(); !cleared) report_.notices.push_back(cleared.error().message);
}

void Exchange::send() {
  if (stop_()) {
    return fail({FailureKind::network, "interrupted before anything was sent", ""});
  }
  sent_hash_ = fingerprint(document_->login().refresh_token);
  began_at_ = now();
  if (!fleet_) {
    if (auto noted = store_->journal().note_request(sent_hash_, began_at_); !noted)
      return fail(noted.error());
  }

  TokenRequest request =
      token_request(request_.profile, request_.provider, document_->login(), request_.client_secret);
  request.url = server_.token_url;
  request.authentication = server_.accepted(request.authentication);
  const SteadyTime began = steady_clock::now();
  RequestResult result = post(request);
  const auto* reply = std::get_if<HttpReply>(&result);
  if (reply != nullptr && !request.scopes.empty() &&
      read_token_answer(*reply, now()).kind == AnswerKind::invalid_scope) {
    // A refused scope does not spend the token, so this is not a second use. Both requests share one time
    // limit and the locks.
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
  return post_token_request(request, document_->login().refresh_token,
                            {.waiting =
                                 [this] {
                                   if (!fleet_) (void)locks_->keep_alive(steady_clock::now());
                                 },
                             .may_send = [this] { return is_still_ours(); },
                             .arriving = [this](const Arrival& arrival) { keep_grant(arrival); }});
}

// A suspended host or a slow connection may have cost us the locks.
bool Exchange::is_still_ours() {
  auto ours = fleet_ ? fleet_->may_send() : locks_->touch(steady_clock::now());
  if (ours && !fleet_) ours = store_->check_unchanged(stamp_);
  if (!ours) why_not_sent_ = std::move(ours).error();
  return !why_not_sent_;
}

// Called while the answer arrives: as soon as it contains the grant, the grant is made durable.
void Exchange::keep_grant(const Arrival& arrival) {
  const auto arrived = steady_clock::now();
  const CredentialFields& fields = request_.provider.fields;
  if (grant_ || arrival.status < 200 || arrival.status >= 300) return;
  const TokenAnswer answer = read_token_answer(
      {.status = arrival.status, .retry_after = "", .date = arrival.date, .body = Secret(arrival.body)},
      now(), answer_members(fields));
  if (answer.kind != AnswerKind::granted) return;
  grant_.emplace(grant_of(answer, *document_, fields, now()));
  grant_noted_ = store_->journal().note_grant(sent_hash_, began_at_, *grant_);
  if (fleet_) fleet_->note_grant(*grant_);
  report_.notices.insert(report_.notices.end(), answer.notices.begin(), answer.notices.end());
  if (grant_->expires_at <= now())
    report_.notices.emplace_back("the granted token has already expired, according to the server");
  report_.stored_in = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - arrived);
}

void Exchange::refuse(const TokenAnswer& answer) {
  ExchangeFailure refused = failure_of(answer, request_.provider, interrupted_);
  if (!fleet_ && refused.kind == FailureKind::login_required && !refused_token_is_current()) {
    report_.notices.emplace_back("another program refreshed the login in the meantime; using its token");
    return;
  }
  give_up(std::move(refused));
}

void Exchange::unanswered(const RequestFailure& failure) {
  if (!why_not_sent_) return give_up(failure_of(failure));
  if (why_not_sent_->hint.empty()) why_not_sent_->hint = "nothing was sent; the next run tries again";
  fail(*why_not_sent_);
}

// The fence stays if the token may be spent, and the next run reports it.
void Exchange::give_up(ExchangeFailure failure) {
  journal_is_needed_ = rule_of(failure.kind).refresh_token == RefreshToken::maybe_spent;
  if (fleet_ && fleet_->is_sent() && !journal_is_needed_ && !rest_in_fleet(failure))
    report_.notices.emplace_back("this host could not note the refusal");
  fail(std::move(failure));
}

// invalid_grant says nothing about a refresh token that another program has stored in the meantime.
bool Exchange::refused_token_is_current() {
  return !read_login() || fingerprint(document_->login().refresh_token) == sent_hash_;
}

void Exchange::store() {
  report_.refreshed = true;
  // Even without a journal, the answer may still reach the document.
  if (!grant_noted_) report_.notices.push_back(grant_noted_.error().message);
  if (fleet_) return;  // the next look commits it

  const auto saving = locks_->take_for_saving();
  journal_is_needed_ = !saving;
  const auto read = read_login();
  const bool is_ours = read && fingerprint(document_->login().refresh_token) == sent_hash_;
  if (read && !is_ours && !document_->login().refresh_token.empty()) {
    report_.notices.emplace_back("another program wrote a newer login in the meantime; keeping it");
    return;
  }
  if (is_ours) {
    const Secret before(document_->text().reveal());
    const Secret after = document_->with(*grant_, request_.provider.fields);
    if (before == after) return;  // the token has no place there, and the refresh token was not rotated
    auto replaced = store_->replace(after);
    if (!replaced) return keep_in_journal(std::move(replaced).error());
    stamp_ = *replaced;
    return;
  }
  // A login that a person removed, or that another program wrote in a format that we cannot read, is not
  // overwritten.
  keep_in_journal(read ? Error{ErrorKind::failed,
                               fmt::format("{}: another program removed the refresh token", store_->shown())}
                       : read.error());
}

void Exchange::keep_in_journal(Error error) {
  journal_is_needed_ = grant_noted_.has_value();
  if (journal_is_needed_) {
    error.hint = fmt::format("the new login is kept in {}; the next run tries to complete it",
                             store_->journal().shown());
  }
  fail(error);
}

// A login without a refresh token is used until its token expires.
void Exchange::check_unrefreshable() {
  const Time end = expiry_of(document_->login());
  if (end <= now()) {
    return fail(Error{ErrorKind::action_required,
                      fmt::format("{}: the access token expired at {}, and there is no refresh token",
                                  store_->shown(), rfc3339(end)),
                      "log in again with the program that owns this file"});
  }
  if (request_.force == Force::no) return;
  report_.notices.push_back(fmt::format("{}: there is no refresh token: the access token is used {}",
                                        store_->shown(),
                                        end < end_of_time ? "until " + rfc3339(end) : "as it is"));
}

void Exchange::take_snapshot() {
  const Login& login = document_->login();
  if (login.access_token.empty()) return;
  if (const auto usable = check_usable(login.access_token); !usable) {
    if (!report_.failure) fail(Error(usable.error()).in(store_->shown()));
    return;
  }
  LoginSnapshot snapshot;
  snapshot.stamp = stamp_;
  snapshot.is_on_local_storage = is_local_file_system(store_->shown());
  snapshot.access_token_hash = fingerprint(login.access_token);
  snapshot.request_hash = request_hash();
  snapshot.expires_at = expiry_of(login);
  snapshot.can_be_refreshed = !login.refresh_token.empty();
  snapshot.login_expires_at = login.login_expires_at;
  snapshot.files.push_back({std::string(token_file), login.access_token.copy()});
  for (auto& [name, content] : document_->delivered(request_.provider.deliver, request_.client_secret))
    snapshot.files.push_back({name, std::move(content)});
  report_.login = std::move(snapshot);
}

ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop,
                          const FleetOpener& opener) {
  if (request.profile.source) return ask_command(request);
  if (request.fleet && request.fleet->task != FleetTask::refresh &&
      request.fleet->task != FleetTask::takeover)
    return do_fleet_task(request, stop, opener);
  return Exchange(request, stop, opener).run();
}

ExchangeReport keep_fresh(const ExchangeRequest& request) {
  return keep_fresh(request, StopSignals::requested);
}

}  // namespace oci_oauth
