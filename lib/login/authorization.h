// SPDX-License-Identifier: Apache-2.0
// The address at which a person logs in, and what the browser brings back (RFC 6749 section 4.1). Anybody on
// this host can send something to the redirect's address: only an answer with our state counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "exchange/server_metadata.h"
#include "exchange/token_request.h"

namespace oci_oauth {

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

constexpr size_t longest_words = 300;  // bytes of a server's text that are shown

// "access_denied", or "access_denied: the person said no": what a server says, without control characters.
std::string server_words(std::string_view error, std::string_view description);

}  // namespace oci_oauth
