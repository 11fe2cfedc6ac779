// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/size.h"
#include "exchange/retry_after.h"

namespace oci_oauth {

namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr size_t longest_token = 16 * KiB;
constexpr seconds longest_life = hours(24) * 366;

// RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707, RFC 9449.
constexpr std::string_view oauth_errors[] = {
    "invalid_request",         "invalid_client", "invalid_grant",      "unauthorized_client",
    "unsupported_grant_type",  "invalid_scope",  "access_denied",      "server_error",
    "temporarily_unavailable", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce"};

// RFC 6749 appendix A.12: 1*VSCHAR. What is none becomes empty.
Secret token(const JsonValue& answer, std::string_view key) {
  const auto text = json_string(answer, key);
  const auto visible = [](char c) { return c >= 0x20 && c <= 0x7e; };
  const bool usable =
      text && text->size() <= longest_token && std::all_of(text->begin(), text->end(), visible);
  return usable ? Secret(*text) : Secret();
}

// A JSON number; or one in a string, as some servers write it.
double number(const JsonValue* value) {
  double result = 0;
  if (value == nullptr) return result;
  if (value->IsNumber()) return value->GetDouble();
  if (!value->IsString()) return result;
  const std::string_view text = json_text(*value);
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, result);
  return parsed.ec == std::errc() && parsed.ptr == end ? result : 0;
}

std::optional<Milliseconds> lifetime(const JsonValue& answer) {
  const double count = number(json_member(answer, "expires_in"));
  // Written so that a NaN is out of range, too.
  if (!(count >= 1 && count <= static_cast<double>(longest_life.count()))) return std::nullopt;
  return seconds(static_cast<seconds::rep>(count));
}

std::vector<std::string> scopes(const JsonValue& answer) {
  std::vector<std::string> result;
  std::string_view left = json_string(answer, "scope").value_or("");
  while (!left.empty()) {
    const std::string_view word = left.substr(0, left.find(' '));
    if (!word.empty()) result.emplace_back(word);
    left.remove_prefix(std::min(word.size() + 1, left.size()));
  }
  return result;
}

TokenAnswer read_grant(const HttpReply& reply) {
  TokenAnswer answer;
  answer.kind = AnswerKind::unreadable;
  answer.message = fmt::format("{} without an access token", reply.status);
  const auto document = parse_json(reply.body.reveal(), "answer");
  if (!document || !document->IsObject()) return answer;
  answer.access_token = token(*document, "access_token");
  if (answer.access_token.empty()) return answer;
  answer.kind = AnswerKind::granted;
  answer.message = fmt::format("{}", reply.status);
  answer.refresh_token = token(*document, "refresh_token");
  answer.expires_in = lifetime(*document);
  answer.scopes = scopes(*document);
  return answer;
}

// RFC 6749 section 5.2: the top-level "error"; empty where it is no code that is known. The result is ours,
// never the body's.
std::string_view oauth_error(const Secret& body) {
  const auto document = parse_json(body.reveal(), "answer");
  if (!document || !document->IsObject()) return {};
  const auto code = json_string(*document, "error");
  const auto known = std::find(std::begin(oauth_errors), std::end(oauth_errors), code);
  return known == std::end(oauth_errors) ? std::string_view() : *known;
}

AnswerKind refusal_kind(long status, std::string_view error) {
  // Behind any other status an "invalid_grant" is not the authorization server's word.
  const bool of_oauth = status == 400 || status == 401 || status == 403;
  if (status == 429 || (status == 403 && error.empty())) return AnswerKind::throttled;
  if (of_oauth && error == "invalid_grant") return AnswerKind::login_required;
  if (of_oauth && error == "invalid_scope") return AnswerKind::invalid_scope;
  return status >= 400 && status < 500 ? AnswerKind::rejected : AnswerKind::server_error;
}

std::string refusal_message(long status, std::string_view error, std::optional<Milliseconds> retry_after) {
  std::string message = fmt::format("{}", status);
  if (!error.empty()) message += fmt::format(" {}", error);
  if (status >= 300 && status < 400) message += ", redirect refused";
  if (retry_after) {
    message += fmt::format(", retry after {} s", std::chrono::ceil<seconds>(*retry_after).count());
  }
  return message;
}

}  // namespace

TokenAnswer read_token_answer(const HttpReply& reply, Time now) {
  if (reply.status >= 200 && reply.status < 300) return read_grant(reply);
  TokenAnswer answer;
  const std::string_view error = oauth_error(reply.body);
  answer.kind = refusal_kind(reply.status, error);
  if (answer.kind == AnswerKind::throttled || answer.kind == AnswerKind::server_error) {
    answer.retry_after = parse_retry_after(reply.retry_after, now);
  }
  answer.message = refusal_message(reply.status, error, answer.retry_after);
  return answer;
}

}  // namespace oci_oauth
