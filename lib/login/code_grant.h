// SPDX-License-Identifier: Apache-2.0
// The authorization code grant (RFC 6749 section 4.1) for a native app (RFC 8252), with PKCE (RFC 7636).
// Anybody on this host can send something to the redirect's address: only an answer with our state counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "exchange/server_metadata.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"
#include "login/session.h"

namespace oci_oauth {

// `redirect_uri`: as in the provider; `browser`: a descriptor to which the address is written that is to be
// opened, or -1. Result: the answer that grants tokens. Failure: the server or the person refused
// (action_required), did not answer or took too long (temporary), or another kind.
Result<TokenAnswer> grant_by_code(Session& session, const std::string& redirect_uri, int browser);

// 256 bits of getentropy(3), as 43 characters of base64url: a code_verifier (RFC 7636 section 4.1), or a
// state.
Secret random_word();

// The code_challenge of the method S256 (RFC 7636 section 4.2).
std::string code_challenge(std::string_view verifier);

// What one authorization request says, and its answer is compared with.
struct Authorization {
  std::string redirect_uri;
  Secret state = {}, verifier = {};
};

// `url` is the authorization endpoint, which may have a query of its own.
std::string authorization_address(const std::string& url, const TokenRequest& client,
                                  const Authorization& authorization);

// What the query of a redirect says.
struct Redirect {
  Secret code;
  std::string state, issuer, error, description;
};

// "code=...&state=...", application/x-www-form-urlencoded. nullopt: it is not that, or repeats a parameter
// (RFC 6749 section 3.1).
std::optional<Redirect> parse_redirect(std::string_view query);

// The query of an address that a person pasted: the one that the browser ended at.
std::optional<std::string> pasted_query(std::string_view address, std::string_view redirect_uri);

// Whether it answers this very request. All other redirects are ignored.
bool is_answer(const Redirect& redirect, const Authorization& authorization);

// Failure: the server refused (action_required), or another one has answered (RFC 9207 section 2.4).
Result<void> check_answer(const Redirect& redirect, const ServerMetadata& server);

}  // namespace oci_oauth
