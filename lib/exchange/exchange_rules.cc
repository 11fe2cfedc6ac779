// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange_rules.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/token_request.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

// A code that the provider lists as terminal, wherever it is in the answer.
bool is_terminal(const TokenAnswer& answer, const Provider& provider) {
  const bool is_refusal = answer.kind == AnswerKind::rejected || answer.kind == AnswerKind::throttled;
  return is_refusal &&
         std::ranges::find(provider.terminal_errors, answer.error_code) != provider.terminal_errors.end();
}

FailureKind failure_kind(AnswerKind kind) {
  if (kind == AnswerKind::login_required) return FailureKind::login_required;
  if (kind == AnswerKind::throttled) return FailureKind::throttled;
  if (kind == AnswerKind::unreadable) return FailureKind::unknown;
  const bool is_refused = kind == AnswerKind::invalid_scope || kind == AnswerKind::rejected;
  return is_refused ? FailureKind::rejected : FailureKind::server;
}

ExchangeFailure failure(FailureKind kind, std::string message) {
  return {.kind = kind, .message = std::move(message), .hint = std::string(rule_of(kind).hint)};
}

}  // namespace

bool is_due(const ExchangeRequest& request, const std::string& token_hash, Time expires_at, Time now) {
  if (token_hash == request.rejected_token_hash) return true;
  const auto& [published, history] = request.known;
  const Time obtained_at = token_hash == published.access_token_hash ? published.obtained_at : now;
  const Milliseconds life = life_of_token(history.token_life, expires_at, now);
  const Time due = due_at(expires_at, life, request.profile.refresh_before);
  if (freshness(now, obtained_at, due, expires_at) != Freshness::fresh) return true;
  // A refresh cannot obtain a token with a longer lifetime than the server grants.
  const bool is_possible = life <= Milliseconds(0) || request.min_ttl < life;
  return is_possible && expires_at - now < request.min_ttl;
}

bool is_due(const ExchangeRequest& request, const Login& login, Time now) {
  return is_due(request, fingerprint(login.access_token), expiry_of(login), now);
}

std::string request_hash(const ExchangeRequest& request, const Login& login) {
  const TokenRequest sent = token_request(request.profile, request.provider, login);
  // Without a refresh token, the access token identifies the login.
  const Secret& token = login.refresh_token.empty() ? login.access_token : login.refresh_token;
  return fingerprint(
      Secret(fmt::format("{}\n{}\n{}\n{}", fingerprint(token), sent.url.empty() ? sent.issuer : sent.url,
                         sent.client_id, fmt::join(sent.scopes, " "))));
}

std::optional<ExchangeFailure> known_failure(const ExchangeRequest& request, const std::string& request_hash,
                                             const std::string& shown, std::vector<std::string>& notices,
                                             Time now) {
  const auto& [known, history] = request.known;
  const bool is_dead = request_hash == history.dead_request_hash;
  const bool rests = known.rests(now) &&
                     (history.failed_request_hash.empty() || history.failed_request_hash == request_hash);
  if (!is_dead && !rests) return std::nullopt;
  const std::string until = rfc3339(known.not_before);
  if (request.force == Force::yes) {
    notices.push_back(is_dead ? "sending a request although the server refused this login"
                              : fmt::format("overriding the pause that lasts until {}", until));
    return std::nullopt;
  }
  ExchangeFailure failed;
  if (is_dead) {
    failed = failure(FailureKind::login_required,
                     fmt::format("{}: the server refused this refresh token for good", shown));
  } else {
    failed = {
        .kind = known.last_error ? known.last_error->kind : FailureKind::throttled,
        .message = fmt::format("no request to the token endpoint before {}", until),
        .hint = fmt::format("wait, or override it once: oci-oauth refresh --force {}", request.profile.name)};
    if (known.last_error) failed.message += ": " + known.last_error->message;
  }
  failed.is_known = true;
  return failed;
}

ExchangeFailure failure_of(const Error& error) {
  const FailureKind kind = error.kind == ErrorKind::action_required ? FailureKind::login_required
                           : error.kind == ErrorKind::temporary     ? FailureKind::busy
                                                                    : FailureKind::login;
  return {.kind = kind, .message = error.message, .hint = error.hint};
}

ExchangeFailure failure_of(const RequestFailure& failed) {
  const bool is_sent = failed.sent != RequestFailure::Sent::no;
  return failure(is_sent ? FailureKind::unknown : FailureKind::network, failed.message);
}

ExchangeFailure failure_of(const TokenAnswer& answer, const Provider& provider,
                           std::optional<Time> interrupted) {
  const bool is_listed = is_terminal(answer, provider);
  const FailureKind kind = is_listed ? FailureKind::login_required : failure_kind(answer.kind);
  std::string message = "token endpoint: " + answer.message;
  if (is_listed) message += " " + answer.error_code;
  if (kind == FailureKind::login_required && interrupted)
    message +=
        fmt::format("; an earlier refresh began at {} and its answer never arrived", rfc3339(*interrupted));
  ExchangeFailure refused = failure(kind, std::move(message));
  refused.retry_after = answer.retry_after;
  return refused;
}

}  // namespace oci_oauth
