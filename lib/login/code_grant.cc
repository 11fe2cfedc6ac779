// SPDX-License-Identifier: Apache-2.0
#include "login/code_grant.h"

#include <string.h>
#include <unistd.h>

#include <functional>
#include <numeric>
#include <stdexcept>

#include "base/base64.h"
#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/text.h"
#include "base/wait.h"
#include "login/loopback.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr size_t word_bytes = 32;
constexpr auto longest_wait = std::chrono::minutes(10);
constexpr std::string_view thanks = "You can close this window. The login continues in the terminal.";
constexpr std::string_view regrets = "You can close this window. The login failed: see the terminal.";

// Takes a time that depends on the lengths alone.
bool is_same_word(std::string_view one, std::string_view other) {
  return one.size() == other.size() &&
         std::inner_product(one.begin(), one.end(), other.begin(), 0, std::bit_or(), std::bit_xor()) == 0;
}

// nullopt: "%" without two digits.
std::optional<std::string> form_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    const auto byte = number_in<unsigned char>(digits, 16);
    if (digits.size() < 2 || !byte) return std::nullopt;
    decoded += static_cast<char>(*byte);
    i += 2;
  }
  return decoded;
}

void tell(Session& session, const std::string& address, const std::string& redirect_uri) {
  const Terminal& terminal = session.terminal();
  terminal.say(fmt::format("open this address in a browser:\n\n  {}\n\n", address));
  if (!terminal.has_person()) return;
  terminal.say(
      fmt::format("If the browser is on another machine, it ends at an address that it cannot open, "
                  "which begins with\n{}. Paste that address here:\n",
                  redirect_uri));
}

// By the browser, or by hand.
Result<Redirect> wait_for_answer(Session& session, LoopbackListener& listener,
                                 const Authorization& authorization) {
  Terminal& terminal = session.terminal();
  std::optional<Redirect> answer;
  const auto take = [&](std::string_view query) -> std::optional<std::string_view> {
    auto redirect = parse_redirect(query);
    if (answer || !redirect || !is_answer(*redirect, authorization)) return std::nullopt;
    answer = std::move(redirect);
    return answer->error.empty() ? thanks : regrets;
  };
  const auto take_pasted = [&](std::string_view line) {
    const auto query = pasted_query(line, authorization.redirect_uri);
    if (line.empty() || (query && take(*query))) return;
    terminal.say(fmt::format("this is not the answer, which begins with {}?\n", listener.redirect_uri()));
  };
  const SteadyTime end = steady_clock::now() + longest_wait;
  while (!answer) {
    std::vector<pollfd> any = listener.waiting();
    any.push_back(readable(terminal.fd()));
    TRY(session.wait(std::move(any), std::min(end, listener.deadline())));
    if (steady_clock::now() >= end)
      return Error{ErrorKind::temporary, fmt::format("nobody logged in within {}", describe(longest_wait))};
    listener.serve(take);
    if (!answer && is_readable(terminal.fd())) take_pasted(terminal.take_line().value_or(""));
  }
  return std::move(*answer);
}

}  // namespace

Secret random_word() {
  char bytes[word_bytes];
  if (::getentropy(bytes, sizeof bytes) != 0) throw std::runtime_error("getentropy: no random bytes");
  Secret word(base64url({bytes, sizeof bytes}));
  ::explicit_bzero(bytes, sizeof bytes);
  return word;
}

std::string code_challenge(std::string_view verifier) {
  const std::string hex = fingerprint(verifier);
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2)
    digest += static_cast<char>(number_in<unsigned char>(std::string_view(hex).substr(i, 2), 16).value());
  return base64url(digest);
}

std::string authorization_address(const std::string& url, const TokenRequest& client,
                                  const Authorization& authorization) {
  const std::string scope = fmt::format("{}", fmt::join(client.scopes, " "));
  const std::string challenge = code_challenge(authorization.verifier.reveal());
  Parameters parameters = {{"response_type", "code"},
                           {"client_id", client.client_id},
                           {"redirect_uri", authorization.redirect_uri},
                           {"state", authorization.state.reveal()},
                           {"code_challenge", challenge},
                           {"code_challenge_method", "S256"}};
  if (!scope.empty()) parameters.emplace_back("scope", scope);
  for (const auto& [name, value] : client.parameters) parameters.emplace_back(name, value);
  const char* const joint = url.find('?') == url.npos ? "?" : "&";
  return url + joint + std::string(form_body(parameters).reveal());
}

std::optional<Redirect> parse_redirect(std::string_view query) {
  Redirect redirect;
  std::string code;
  const std::pair<std::string_view, std::string*> known[] = {{"code", &code},
                                                             {"state", &redirect.state},
                                                             {"iss", &redirect.issuer},
                                                             {"error", &redirect.error},
                                                             {"error_description", &redirect.description}};
  while (!query.empty()) {
    std::string_view value = next_part(query, '&');
    const auto name = form_decoded(next_part(value, '='));
    auto text = form_decoded(value);
    if (!name || !text) return std::nullopt;
    for (const auto& [key, member] : known) {
      if (key != *name) continue;
      if (!member->empty()) return std::nullopt;
      *member = std::move(*text);
    }
  }
  redirect.code = Secret(std::move(code));
  return redirect;
}

std::optional<std::string> pasted_query(std::string_view address, std::string_view redirect_uri) {
  const std::string begin = fmt::format("{}?", redirect_uri);
  address = trimmed(address);
  if (!address.starts_with(begin)) return std::nullopt;
  return std::string(address.substr(begin.size(), address.find('#') - begin.size()));
}

bool is_answer(const Redirect& redirect, const Authorization& authorization) {
  return is_same_word(redirect.state, authorization.state.reveal()) &&
         redirect.code.empty() != redirect.error.empty();
}

Result<void> check_answer(const Redirect& redirect, const ServerMetadata& server) {
  const bool is_missing = redirect.issuer.empty() && server.names_itself;
  const bool is_other =
      !redirect.issuer.empty() && !server.issuer.empty() && redirect.issuer != server.issuer;
  if (is_missing || is_other) {
    return Error{ErrorKind::failed, fmt::format("the answer is not from '{}': its iss is '{}'", server.issuer,
                                                printable(redirect.issuer, longest_words))};
  }
  if (redirect.error.empty()) return {};
  return Error{ErrorKind::action_required,
               "the server refused: " + server_words(redirect.error, redirect.description)};
}

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
  const Redirect redirect = TRY(wait_for_answer(session, listener, authorization));
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
