// SPDX-License-Identifier: Apache-2.0
// What a token endpoint's answer means (RFC 6749 sections 5.1 and 5.2). Pure: bytes in, decision out. A grant
// exists only once, so it is read as leniently as possible, and kept as it arrived. Messages contain no part
// of a body, because endpoints may echo the request.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "config/provider.h"
#include "http/http_request.h"

namespace oci_oauth {

enum class AnswerKind {
  granted,         // 200 with an access token: the refresh token may be spent
  login_required,  // invalid_grant: this refresh token is dead
  invalid_scope,   // worth one more request without a scope
  rejected,        // another OAuth error: the request or the client is wrong
  throttled,       // 429, or 403 without an OAuth error (a challenge page)
  server_error,    // 5xx, a redirect, or an answer that is neither; no token was spent
  unreadable,      // a 200 with neither a token nor an error: the refresh token may be spent
};

struct TokenAnswer {
  AnswerKind kind = AnswerKind::server_error;
  // "429, retry after 60 s": status and reason, with nothing from the body except a known OAuth error code
  std::string message;
  // the error code in the body: "error", or "code" or "type" of an error object, or a top-level "code"; empty
  // if none of them looks like a code. For comparison only, not for messages
  std::string error_code;
  Secret access_token;
  Secret refresh_token;  // empty: the answer has none, and the old one stays (RFC 6749 section 6)
  std::optional<Milliseconds> expires_in;  // zero or less: already expired; absent if the answer does not say
  std::optional<Milliseconds> refresh_token_expires_in;  // more than zero
  std::vector<std::string> scopes;                       // empty: unchanged
  std::map<std::string, Secret> values;                  // of further members, as in Grant
  std::vector<std::string> notices;                      // what a person should know about a grant
  std::optional<Milliseconds> retry_after;               // kinds throttled and server_error
  std::optional<Time> date;                              // the server's clock
};

// `members` are further members of a grant, with the pointer to where each is written.
TokenAnswer read_token_answer(const HttpReply& reply, Time now, const Pairs& members = {});

// What a successful answer changes in the credential document.
struct Grant {
  Secret access_token;
  Secret refresh_token;  // empty: the old one is kept
  Time expires_at;
  std::vector<std::string> scopes;       // empty: unchanged
  std::optional<Time> login_expires_at;  // nullopt: unchanged
  // What else is written: a JSON Pointer into the document, and the value there as JSON.
  std::map<std::string, Secret> values = {};

  Grant copy() const;
  friend bool operator==(const Grant&, const Grant&) = default;
};

}  // namespace oci_oauth
