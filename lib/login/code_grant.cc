// SPDX-License-Identifier: Apache-2.0
// The authorization code grant (RFC 6749 section 4.1) for a native app (RFC 8252), with PKCE (RFC 7636).
#include "base/file.h"
#include "base/fmt.h"
#include "login/authorization.h"
#include "login/loopback.h"
#include "login/pkce.h"
#include "login/session.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr auto longest_wait = std::chrono::minutes(10);
constexpr std::string_view thanks = "You can close this window. The login continues in the terminal.";
constexpr std::string_view regrets = "You can close this window. The login failed: see the terminal.";

void tell(Session& session, const std::string& address, const std::string& redirect_uri) {
  const Terminal& terminal = session.terminal();
  terminal.say(fmt::format("open this address in a browser:\n\n  {}\n\n", address));
  if (!terminal.has_person()) return;
  terminal.say(
      fmt::format("If the browser is on another machine, it ends at an address that it cannot open, "
                  "which begins with\n{}. Paste that address here:\n",
                  redirect_uri));
}

// Waits for the answer to one authorization request, by the browser or by hand.
class Wait {
 public:
  Wait(Session& session, LoopbackListener& listener, const Authorization& authorization)
      : session_(session), listener_(listener), authorization_(authorization) {}

  Result<Redirect> run() {
    Terminal& terminal = session_.terminal();
    const SteadyTime end = steady_clock::now() + longest_wait;
    while (!answer_) {
      std::vector<pollfd> any = listener_.waiting();
      if (terminal.has_person()) any.push_back(readable(terminal.fd()));
      TRY(session_.wait(std::move(any), std::min(end, listener_.deadline())));
      if (steady_clock::now() >= end)
        return Error{ErrorKind::temporary, fmt::format("nobody logged in within {}", describe(longest_wait))};
      listener_.serve([this](std::string_view query) { return take(query); });
      if (!answer_ && terminal.has_person() && is_readable(terminal.fd())) take_pasted();
    }
    return std::move(*answer_);
  }

 private:
  std::optional<std::string_view> take(std::string_view query) {
    auto redirect = parse_redirect(query);
    if (answer_ || !redirect || !is_answer(*redirect, authorization_)) return std::nullopt;
    answer_ = std::move(redirect);
    return answer_->error.empty() ? thanks : regrets;
  }
  void take_pasted() {
    const auto line = session_.terminal().take_line();
    if (!line || line->empty()) return;
    const auto query = pasted_query(*line, authorization_.redirect_uri);
    if (query && take(*query)) return;
    session_.terminal().say(
        fmt::format("this is not the answer, which begins with {}?\n", listener_.redirect_uri()));
  }

  Session& session_;
  LoopbackListener& listener_;
  const Authorization& authorization_;
  std::optional<Redirect> answer_;
};

}  // namespace

Result<TokenAnswer> grant_by_code(Session& session, const std::string& redirect_uri, int browser) {
  if (!session.server().supports_s256)
    return Error{ErrorKind::failed, "the server does not support PKCE with S256 (RFC 7636)"};
  if (auto usable = check_url(session.server().authorization_url); !usable)
    return std::move(usable).error().in("authorization_url");
  auto listener = TRY(LoopbackListener::open(redirect_uri));
  const Authorization authorization = {listener.redirect_uri(), random_word(), random_word()};
  const std::string address =
      authorization_address(session.server().authorization_url, session.client(), authorization);
  tell(session, address, listener.redirect_uri());
  if (browser >= 0) (void)write_all(browser, address + "\n", "browser");
  const Redirect redirect = TRY(Wait(session, listener, authorization).run());
  TRY(check_answer(redirect, session.server()));
  const auto reply =
      TRY(session.post(session.server().token_url, {{"grant_type", "authorization_code"},
                                                    {"code", redirect.code.reveal()},
                                                    {"redirect_uri", authorization.redirect_uri},
                                                    {"code_verifier", authorization.verifier.reveal()}}));
  TokenAnswer answer = session.read(reply);
  if (answer.kind == AnswerKind::granted) return answer;
  return session.refusal("token endpoint", reply, {&redirect.code, &authorization.verifier});
}

}  // namespace oci_oauth
