// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "base/fmt.h"
#include "exchange/stored_login.h"
#include "login/log_in.h"
#include "login/session.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

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

ExchangeReport log_out(const ExchangeRequest& request) {
  return LogOut(request).run();
}

}  // namespace oci_oauth
