// SPDX-License-Identifier: Apache-2.0
#include "login/log_in.h"

#include <signal.h>

#include "base/file.h"
#include "base/fmt.h"
#include "exchange/credential_document.h"
#include "exchange/login_locks.h"
#include "exchange/stored_login.h"
#include "login/code_grant.h"
#include "login/device_grant.h"
#include "login/session.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr size_t room = 256 * KiB;  // for any tokens

FailureKind failure_kind(ErrorKind kind) {
  if (kind == ErrorKind::action_required) return FailureKind::login_required;
  if (kind == ErrorKind::configuration) return FailureKind::configuration;
  return kind == ErrorKind::temporary ? FailureKind::network : FailureKind::login;
}

// For a report: to_error() (token/failure_table.h) gives it the same kind again.
ExchangeFailure login_failure(const Error& error) {
  return {.kind = failure_kind(error.kind), .message = error.message, .hint = error.hint};
}

// What is where the login will be.
struct Present {
  Secret text;
  bool is_login = false;  // or may be one: it cannot be read
};

Result<Present> look_at(const LoginStore& store, const CredentialFields& fields) {
  auto content = store.read();
  if (!content && content.error().kind == ErrorKind::not_found) return Present();
  if (!content) return std::move(content).error();
  const auto document = CredentialDocument::parse(Secret(content->text.reveal()), store.shown(), fields);
  const bool is_login = document || document.error().kind != ErrorKind::action_required;
  return Present{std::move(content->text), is_login};
}

class LogIn {
 public:
  explicit LogIn(const ExchangeRequest& request)
      : request_(request), may_replace_(request.force == Force::yes) {}

  ExchangeReport run() {
    if (auto done = log_in(); !done) report_.failure = login_failure(done.error());
    return std::move(report_);
  }

 private:
  Result<void> log_in();
  Result<void> check_place(Session& session);
  Result<TokenAnswer> obtain(Session& session) const;
  Result<void> store(const TokenAnswer& answer, const TokenRequest& client);
  Result<LoginStore> open_store() const {
    return LoginStore::open(request_.profile.credentials, steady_clock::now() + longest_run,
                            Document::created);
  }

  const ExchangeRequest& request_;
  bool may_replace_;
  ExchangeReport report_;
};

Result<void> LogIn::log_in() {
  const SignalQueue signals{SIGTERM, SIGINT, SIGHUP};
  auto session = TRY(Session::open(request_, Login(), signals));
  TRY(check_place(session));
  const auto answer = TRY(obtain(session));
  return store(answer, session.client());
}

// Before the person does anything: that the login can be stored, and may be.
Result<void> LogIn::check_place(Session& session) {
  auto store = TRY(open_store());
  TRY(store.prepare(room));
  const auto present = TRY(look_at(store, request_.provider.fields));
  if (!present.is_login || may_replace_) return {};
  Terminal& terminal = session.terminal();
  if (!terminal.has_person())
    return Error{ErrorKind::failed, fmt::format("{}: contains a login", store.shown()),
                 fmt::format("oci-oauth login {} --force", request_.profile.name)};
  terminal.say(fmt::format("{} contains a login. Replace it? [y/N] ", store.shown()));
  TRY(session.wait({readable(terminal.fd())}, SteadyTime::max()));
  const std::string answer = terminal.take_line().value_or("");
  may_replace_ = answer == "y" || answer == "Y" || answer == "yes";
  if (may_replace_) return {};
  return Error{ErrorKind::failed, fmt::format("{}: the login stays as it is", store.shown())};
}

// Without a browser here, a code for another device is easier than an address to paste.
Result<TokenAnswer> LogIn::obtain(Session& session) const {
  const LoginTask task = request_.login.value_or(LoginTask());
  const bool has_device = !session.server().device_authorization_url.empty();
  const bool has_code = !session.server().authorization_url.empty();
  const bool by_device = task.flow == LoginFlow::device ||
                         (task.flow == LoginFlow::automatic && has_device && (task.browser < 0 || !has_code));
  if (!(by_device ? has_device : has_code))
    return Error{ErrorKind::failed, fmt::format("the server has no {} endpoint",
                                                by_device ? "device authorization" : "authorization")};
  if (by_device) return grant_by_device(session);
  const std::string& own = request_.profile.redirect_uri;
  return grant_by_code(session, own.empty() ? request_.provider.redirect_uri : own, task.browser);
}

Result<void> LogIn::store(const TokenAnswer& answer, const TokenRequest& client) {
  const CredentialFields& fields = request_.provider.fields;
  auto store = TRY(open_store());
  const std::function<bool()> never = [] { return false; };
  LoginLocks locks(request_.provider, store, never, report_.notices);
  TRY(locks.take());
  const auto saving = locks.take_for_saving();
  const auto present = TRY(look_at(store, fields));
  if (present.is_login && !may_replace_)
    return Error{ErrorKind::temporary,
                 fmt::format("{}: another program wrote a login in the meantime; it stays", store.shown())};
  auto document = CredentialDocument::begin(
      present.text, answer.scopes.empty() ? client.scopes : answer.scopes, client.client_id, fields);
  const Grant grant = document.granted(answer, fields, now());
  TRY(store.replace(document.with(grant, fields)));
  locks.give_back();
  if (answer.refresh_token.empty())
    report_.notices.push_back(
        fmt::format("the server granted no refresh token: the login is valid until {}; "
                    "many servers grant one for the scope offline_access",
                    rfc3339(grant.expires_at)));
  report_.notices.insert(report_.notices.end(), answer.notices.begin(), answer.notices.end());
  if (auto cleared = store.journal().clear(); !cleared) report_.notices.push_back(cleared.error().message);
  return {};
}

class LogOut {
 public:
  explicit LogOut(const ExchangeRequest& request) : request_(request) {}

  ExchangeReport run() {
    auto done = log_out();
    if (!done && done.error().kind == ErrorKind::not_found) {
      say("there is no login: " + done.error().message);
    } else if (!done) {
      report_.failure = login_failure(done.error());
    }
    return std::move(report_);
  }

 private:
  Result<void> log_out();
  Result<void> revoke(const Login& login);
  Result<void> revoke(Session& session, const Secret& token, const char* type);
  void say(std::string message) { report_.notices.push_back(std::move(message)); }

  const ExchangeRequest& request_;
  ExchangeReport report_;
};

Result<void> LogOut::log_out() {
  const SteadyTime deadline = steady_clock::now() + longest_run;
  const Profile& profile = request_.profile;
  const std::function<bool()> never = [] { return false; };
  LoginTools tools(request_, never, report_,
                   TRY(LoginStore::open(profile.credentials, deadline, Document::required, profile.entry)));
  LoginStore& store = tools.store;
  // An answer that is only in the journal has the refresh token that counts.
  (void)TRY(recover(tools));
  const auto document = TRY(tools.read());
  auto revoked = revoke(document.login());
  if (!document.is_made_by_us()) {
    say(fmt::format("{}: another program made it, so it stays, and the next refresh publishes it again",
                    store.shown()));
    return revoked;
  }
  TRY(store.remove());
  say(fmt::format("removed {}", store.shown()));
  return revoked;
}

// The refresh token first: with it, a server revokes the access token as well (RFC 7009 section 2.1).
Result<void> LogOut::revoke(const Login& login) {
  const SignalQueue signals{SIGTERM, SIGINT, SIGHUP};
  auto session = Session::open(request_, login, signals);
  if (!session) return Error{ErrorKind::failed, "the tokens are not revoked: " + session.error().message};
  if (session->server().revocation_url.empty()) {
    say("the server has no revocation endpoint, so the tokens are valid until they expire");
    return {};
  }
  const Secret& access_token = login.access_token.empty() ? request_.published_token : login.access_token;
  auto refresh = revoke(*session, login.refresh_token, "refresh_token");
  auto access = revoke(*session, access_token, "access_token");
  return refresh ? std::move(access) : std::move(refresh);
}

Result<void> LogOut::revoke(Session& session, const Secret& token, const char* type) {
  if (token.empty()) return {};
  const auto reply =
      session.post(session.server().revocation_url, {{"token", token.reveal()}, {"token_type_hint", type}});
  if (reply && reply->status == 200) return {};
  const Error why = reply ? session.refusal("revocation endpoint", *reply, {&token}) : Error(reply.error());
  return Error{ErrorKind::failed, fmt::format("the {} is not revoked: {}", type, why.message), why.hint};
}

}  // namespace

ExchangeReport log_in(const ExchangeRequest& request) {
  return LogIn(request).run();
}

ExchangeReport log_out(const ExchangeRequest& request) {
  return LogOut(request).run();
}

}  // namespace oci_oauth
