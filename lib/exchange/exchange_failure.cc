// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange_failure.h"

#include <algorithm>

#include "base/fmt.h"

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
