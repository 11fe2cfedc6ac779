// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <algorithm>
#include <memory>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/wait.h"
#include "exchange/command_source.h"
#include "exchange/exchange_rules.h"
#include "exchange/fleet_login.h"
#include "exchange/server_metadata.h"
#include "exchange/stored_login.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto wait_for_our_lock = seconds(30);
constexpr size_t client_limit = 64 * KiB;
constexpr size_t room_for_longer_tokens = 64 * KiB;  // beyond the size of the document that is there

// A login that only a person can repair is made again by oci-oauth, if it makes such logins.
void name_our_command(const ExchangeRequest& request, ExchangeFailure& failure) {
  if (!request.profile.in_fleet && can_log_in(request.profile, request.provider))
    failure.hint = hint_to_log_in(request.profile, request.provider);
}

ExchangeFailure unopened(const ExchangeRequest& request, const Error& error) {
  ExchangeFailure failure = failure_of(error);
  if (error.kind == ErrorKind::not_found) name_our_command(request, failure);
  return failure;
}

class Exchange {
 public:
  Exchange(LoginTools& tools, StoredLogin& stored)
      : tools_(tools), stored_(stored), request_(tools.request), report_(tools.report) {}
  void run();

 private:
  void take(CredentialDocument login);
  Result<void> add_client();
  void refresh();
  bool find_endpoint();
  Result<void> check_refreshable(const TokenRequest& request) const;
  Result<bool> begin();
  void send();
  RequestResult post(const TokenRequest& request);
  void keep_grant(const Arrival& arrival);
  void check_unrefreshable();
  void take_snapshot();
  void fail(ExchangeFailure failure);
  void fail(const Error& error) { fail(failure_of(error)); }
  const Login& login() const { return document_->login(); }

  LoginTools& tools_;
  StoredLogin& stored_;
  const ExchangeRequest& request_;
  ExchangeReport& report_;
  std::optional<CredentialDocument> document_;
  Result<void> client_;  // whether the client_file could be read
  ServerMetadata server_;
  std::optional<Time> interrupted_;
  Rotation rotation_;
  Result<void> may_send_;  // as of the last moment
};

void Exchange::run() {
  auto opened = stored_.open();
  if (!opened) return fail(unopened(request_, opened.error()));
  take(std::move(*opened));
  const bool is_refreshable = !login().refresh_token.empty();
  Decision decision = stored_.decide(*document_);
  interrupted_ = decision.interrupted;
  if (decision.failure) {
    fail(std::move(*decision.failure));
  } else if (decision.is_wanted) {
    refresh();
  }
  if (!is_refreshable) check_unrefreshable();
  take_snapshot();
  stored_.describe(*document_);
}

// What the document does not say is known of the token that is published, and of its client.
void Exchange::take(CredentialDocument document) {
  document_.emplace(std::move(document));
  const bool has_place = !request_.provider.fields.access_token.empty();
  const Secret& token = has_place ? login().access_token : request_.published_token;
  const auto expiry = request_.known.published.known_expiry();
  if (!token.empty() && expiry && fingerprint(token) == request_.known.published.access_token_hash)
    document_->complete(token, *expiry);
  client_ = add_client();
}

Result<void> Exchange::add_client() {
  const std::string& file = request_.profile.client_file;
  if (file.empty()) return {};
  const Secret text(TRY(read_file({.path = file}, client_limit)));
  document_->complete(TRY(parse_json(text.reveal(), file)));
  return {};
}

void Exchange::fail(ExchangeFailure failure) {
  if (failure.kind == FailureKind::login_required) name_our_command(request_, failure);
  if (document_) failure.request_hash = request_hash(request_, login());
  report_.failure = std::move(failure);
}

void Exchange::refresh() {
  if (!find_endpoint()) return;
  const size_t size = document_->text().reveal().size() + room_for_longer_tokens;
  if (auto prepared = tools_.store.prepare(size); !prepared) return fail(prepared.error());
  if (auto begun = begin(); !begun) {
    fail(begun.error());
  } else if (*begun) {
    send();
  }
  Settled settled = stored_.settle(rotation_);
  if (settled.document) take(std::move(*settled.document));
  if (!settled.done && !report_.failure) fail(settled.done.error());
}

// What each login may have, or lack.
Result<void> Exchange::check_refreshable(const TokenRequest& request) const {
  TRY(client_);
  const bool has_server = !request.url.empty() || !request.issuer.empty() || !request.resource.empty();
  if (has_server && !request.client_id.empty()) return {};
  const char* const key = has_server ? "client_id" : "issuer";
  return Error{ErrorKind::failed,
               fmt::format("{}: cannot be refreshed: has no {}", tools_.store.shown(),
                           has_server ? "client" : "server"),
               fmt::format("set \"{}\" in the profile", key)};
}

// Before any lock is taken.
bool Exchange::find_endpoint() {
  const TokenRequest request = token_request(request_.profile, request_.provider, login());
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

// Result: false: another program has refreshed it while we waited, or we are to end.
Result<bool> Exchange::begin() {
  const std::string before = fingerprint(login().refresh_token);
  take(TRY(stored_.lock()));
  rotation_.token_hash = fingerprint(login().refresh_token);
  if (rotation_.token_hash != before && !is_due(request_, login(), now())) return false;
  if (tools_.stop()) {
    fail({FailureKind::network, "interrupted before anything was sent", ""});
    return false;
  }
  rotation_.began_at = now();
  TRY(stored_.begin(rotation_));
  return true;
}

void Exchange::send() {
  TokenRequest request = token_request(request_.profile, request_.provider, login(), request_.client_secret);
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
  report_.refreshed = rotation_.grant.has_value();
  rotation_.is_refused = reply != nullptr && !report_.refreshed;
  if (report_.refreshed) return;
  if (rotation_.is_refused) {
    fail(failure_of(read_token_answer(*reply, now()), request_.provider, interrupted_));
  } else if (may_send_) {
    fail(failure_of(std::get<RequestFailure>(result)));
  } else {
    Error& error = may_send_.error();
    if (error.hint.empty()) error.hint = "nothing was sent; the next run tries again";
    fail(error);
  }
}

RequestResult Exchange::post(const TokenRequest& request) {
  return post_token_request(request, login().refresh_token,
                            {.waiting = [this] { stored_.wait(); },
                             .may_send =
                                 [this] {
                                   may_send_ = stored_.may_send(*document_);
                                   return may_send_.has_value();
                                 },
                             .arriving = [this](const Arrival& arrival) { keep_grant(arrival); }});
}

// Called while the answer arrives: as soon as it contains the grant, the grant is made durable.
void Exchange::keep_grant(const Arrival& arrival) {
  const CredentialFields& fields = request_.provider.fields;
  if (rotation_.grant || arrival.status < 200 || arrival.status >= 300) return;
  const TokenAnswer answer = read_token_answer(
      {.status = arrival.status, .retry_after = "", .date = arrival.date, .body = Secret(arrival.body)},
      now(), fields.answer);
  if (answer.kind != AnswerKind::granted) return;
  const Grant& grant = rotation_.grant.emplace(document_->granted(answer, fields, now()));
  const auto noted = tools_.store.journal().note_grant(rotation_.token_hash, rotation_.began_at, grant);
  rotation_.is_noted = noted.has_value();
  report_.notices.insert(report_.notices.end(), answer.notices.begin(), answer.notices.end());
  if (grant.expires_at <= now())
    tools_.tell("the granted token has already expired, according to the server");
  // Even without a journal, the answer may still reach the document.
  if (!noted) tools_.tell(noted.error().message);
}

// A login without a refresh token is used until its token expires.
void Exchange::check_unrefreshable() {
  const Time end = expiry_of(login());
  if (end <= now()) {
    return fail(Error{ErrorKind::action_required,
                      fmt::format("{}: the access token expired at {}, and there is no refresh token",
                                  tools_.store.shown(), rfc3339(end)),
                      "log in again with the program that owns this file"});
  }
  if (request_.force == Force::no) return;
  tools_.tell(fmt::format("{}: there is no refresh token: the access token is used {}", tools_.store.shown(),
                          end < end_of_time ? "until " + rfc3339(end) : "as it is"));
}

void Exchange::take_snapshot() {
  const Login& login = this->login();
  if (login.access_token.empty()) return;
  if (const auto usable = check_usable(login.access_token); !usable) {
    if (!report_.failure) fail(Error(usable.error()).in(tools_.store.shown()));
    return;
  }
  LoginSnapshot snapshot;
  snapshot.is_on_local_storage = is_local_file_system(tools_.store.shown());
  snapshot.access_token_hash = fingerprint(login.access_token);
  snapshot.request_hash = request_hash(request_, login);
  snapshot.expires_at = expiry_of(login);
  snapshot.can_be_refreshed = !login.refresh_token.empty();
  snapshot.login_expires_at = login.login_expires_at;
  snapshot.files = document_->delivered(request_.provider.deliver, request_.client_secret);
  report_.login = std::move(snapshot);
}

}  // namespace

ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop,
                          const FleetOpener& opener) {
  if (request.profile.source) return ask_command(request);
  if (request.fleet && request.fleet->task != FleetTask::refresh &&
      request.fleet->task != FleetTask::takeover)
    return do_fleet_task(request, stop, opener);
  ExchangeReport report;
  auto store =
      LoginStore::open(request.profile.credentials, steady_clock::now() + wait_for_our_lock,
                       request.fleet ? Document::created : Document::required, request.profile.entry);
  if (!store) {
    report.failure = unopened(request, store.error());
    return report;
  }
  LoginTools tools(request, stop, report, std::move(*store));
  const auto stored = request.fleet ? std::make_unique<FleetLogin>(tools, opener) : login_in_file(tools);
  Exchange(tools, *stored).run();
  return report;
}

}  // namespace oci_oauth
