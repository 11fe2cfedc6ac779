// SPDX-License-Identifier: Apache-2.0
#include "exchange/due.h"

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "exchange/token_request.h"
#include "token/policy.h"

namespace oci_oauth {

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
  const FailureKind last = known.last_error ? known.last_error->kind : FailureKind::throttled;
  const FailureKind kind = is_dead ? FailureKind::login_required : last;
  std::string message = is_dead ? fmt::format("{}: the server refused this refresh token for good", shown)
                                : fmt::format("no request to the token endpoint before {}", until);
  if (!is_dead && known.last_error) message += ": " + known.last_error->message;
  std::string hint =
      is_dead ? std::string(rule_of(kind).hint)
              : fmt::format("wait, or override it once: oci-oauth refresh --force {}", request.profile.name);
  return ExchangeFailure{
      .kind = kind, .message = std::move(message), .hint = std::move(hint), .is_known = true};
}

}  // namespace oci_oauth
