// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_answer.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "config/rules.h"
#include "exchange/document_time.h"
#include "http/retry_after.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;

// A thousand years: anything longer means never.
constexpr double longest_life = 1000.0 * 366 * 24 * 3600;

// RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707, RFC 9449.
constexpr std::string_view oauth_errors[] = {
    "invalid_request",         "invalid_client", "invalid_grant",      "unauthorized_client",
    "unsupported_grant_type",  "invalid_scope",  "access_denied",      "server_error",
    "temporarily_unavailable", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce"};

// The last of duplicate keys counts: RFC 8259 section 4 leaves this open, and most parsers do it.
const JsonValue* last_member(const JsonValue& object, std::string_view key) {
  const JsonValue* last = nullptr;
  if (!object.IsObject()) return last;
  for (const auto& member : object.GetObject()) {
    if (json_text(member.name) == key) last = &member.value;
  }
  return last;
}

// Empty if there is no such string.
std::string_view text(const JsonValue& object, std::string_view key) {
  return json_text(last_member(object, key));
}

// UTF-8 as in JSON (RFC 8259 section 8.1); any other text could not be written to a credential document.
Secret token(const JsonValue& answer, std::string_view key) {
  const std::string_view value = text(answer, key);
  return is_utf8(value) ? Secret(value) : Secret();
}

std::optional<Milliseconds> lifetime(const JsonValue& answer, std::string_view key) {
  const auto count = json_number(last_member(answer, key));
  if (!count) return std::nullopt;
  return seconds(static_cast<seconds::rep>(std::clamp(*count, 0.0, longest_life)));
}

std::vector<std::string> scopes(const JsonValue& answer) {
  std::vector<std::string> result;
  for (const std::string_view word : words_in(text(answer, "scope"))) {
    if (is_utf8(word)) result.emplace_back(word);
  }
  return result;
}

bool is_bearer(std::string_view type) {
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::ranges::equal(type, std::string_view("bearer"), same);
}

// As JSON that a document can contain; nullopt for what could not be written, or says nothing.
std::optional<Secret> member_text(const JsonValue& document, std::string_view name) {
  const JsonValue* value = last_member(document, name);
  if (value == nullptr || value->IsNull()) return std::nullopt;
  Secret text = write_json(*value);
  const auto again = parse_json(text.reveal(), "");
  return again && *again == *value ? std::optional(std::move(text)) : std::nullopt;
}

TokenAnswer read_grant(const JsonValue& document, long status, const Pairs& members) {
  TokenAnswer answer;
  answer.kind = AnswerKind::granted;
  answer.message = fmt::format("{}", status);
  answer.access_token = token(document, "access_token");
  answer.refresh_token = token(document, "refresh_token");
  answer.expires_in = lifetime(document, "expires_in");
  answer.refresh_token_expires_in = lifetime(document, "refresh_token_expires_in");
  if (answer.refresh_token_expires_in == Milliseconds(0)) answer.refresh_token_expires_in.reset();
  answer.scopes = scopes(document);
  for (const auto& [name, pointer] : members) {
    if (auto text = member_text(document, name)) answer.values.emplace(pointer, std::move(*text));
  }
  // RFC 6749 section 7.1; the type's name comes from the body, so it is not repeated.
  if (const auto type = text(document, "token_type"); !type.empty() && !is_bearer(type)) {
    answer.notices.emplace_back("the granted token is not a Bearer token; programs may not support it");
  }
  return answer;
}

// In RFC 6749 section 5.2 it is a string; some servers send an object that contains a code, or a top-level
// code. Only a word that an error handler would compare with: not free text, which may contain anything.
std::string_view error_code(const JsonValue& document) {
  const JsonValue* const error = last_member(document, "error");
  const auto within = [&](const char* key) { return error != nullptr ? text(*error, key) : ""; };
  for (const std::string_view word :
       {text(document, "error"), within("code"), within("type"), text(document, "code")}) {
    std::string code(word);
    if (ErrorCode::why_not(code) == nullptr) return word;
  }
  return {};
}

// Unless the provider lists the code, only the place that the RFC specifies counts. The result is our own
// text, never the body's.
std::string_view oauth_error(const JsonValue& document) {
  const auto known = std::ranges::find(oauth_errors, text(document, "error"));
  return known == std::end(oauth_errors) ? std::string_view() : *known;
}

bool says_error(const JsonValue& document) {
  const JsonValue* const error = last_member(document, "error");
  return error != nullptr && (error->IsString() || error->IsObject());
}

// Some servers answer 200 to requests that they refuse: then the body's error code counts.
bool is_success(long status) {
  return status >= 200 && status < 300;
}

// With any other status, "invalid_grant" does not come from the authorization server.
bool is_of_oauth(long status) {
  return status == 400 || status == 401 || status == 403 || is_success(status);
}

AnswerKind refusal_kind(long status, std::string_view error) {
  const bool of_oauth = is_of_oauth(status);
  if (status == 429 || (status == 403 && error.empty())) return AnswerKind::throttled;
  if (of_oauth && error == "invalid_grant") return AnswerKind::login_required;
  if (of_oauth && error == "invalid_scope") return AnswerKind::invalid_scope;
  const bool is_refusal = (status >= 400 && status < 500) || is_success(status);
  return is_refusal ? AnswerKind::rejected : AnswerKind::server_error;
}

std::string refusal_message(long status, std::string_view error, std::optional<Milliseconds> retry_after) {
  std::string message = fmt::format("{}", status);
  if (!error.empty()) message += fmt::format(" {}", error);
  if (error.empty() && is_success(status)) message += " with an error instead of a token";
  if (status >= 300 && status < 400) message += ", redirect refused";
  if (retry_after) {
    message += fmt::format(", retry after {} s", std::chrono::ceil<seconds>(*retry_after).count());
  }
  return message;
}

TokenAnswer read_refusal(const HttpReply& reply, const JsonValue& document, Time now) {
  TokenAnswer answer;
  const std::string_view error = oauth_error(document);
  if (is_of_oauth(reply.status)) answer.error_code = error_code(document);
  answer.kind = refusal_kind(reply.status, error);
  if (answer.kind == AnswerKind::throttled || answer.kind == AnswerKind::server_error) {
    answer.retry_after = parse_retry_after(reply.retry_after, now);
  }
  answer.message = refusal_message(reply.status, error, answer.retry_after);
  return answer;
}

TokenAnswer read_answer(const HttpReply& reply, Time now, const Pairs& members) {
  auto parsed = parse_json_leniently(reply.body.reveal());
  const JsonDocument document = parsed ? std::move(*parsed) : JsonDocument();
  if (!is_success(reply.status)) return read_refusal(reply, document, now);
  if (!token(document, "access_token").empty()) return read_grant(document, reply.status, members);
  if (says_error(document)) return read_refusal(reply, document, now);
  TokenAnswer answer;
  answer.kind = AnswerKind::unreadable;
  answer.message = fmt::format("{} without an access token", reply.status);
  return answer;
}

}  // namespace

TokenAnswer read_token_answer(const HttpReply& reply, Time now, const Pairs& members) {
  TokenAnswer answer = read_answer(reply, now, members);
  answer.date = parse_http_date(reply.date);
  return answer;
}

Grant Grant::copy() const {
  Grant grant = {access_token.copy(), refresh_token.copy(), expires_at, scopes, login_expires_at};
  for (const auto& [pointer, value] : values) grant.values.emplace(pointer, value.copy());
  return grant;
}

}  // namespace oci_oauth
