// SPDX-License-Identifier: Apache-2.0
// One POST to a token endpoint (RFC 6749 section 6), under the rules of http_request.h: exactly once.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"
#include "config/provider.h"
#include "exchange/credential_document.h"
#include "exchange/http_request.h"

namespace oci_oauth {

struct TokenRequest {
  std::string url, client_id, user_agent, ca_file, proxy;  // ca_file, proxy: empty is the system's, or none
  BodyEncoding body = BodyEncoding::form;
  std::vector<std::string> scopes;  // empty: no scope parameter
  Pairs parameters;                 // further ones
  Secret client_secret;             // empty: a public client
  ClientAuthentication authentication = ClientAuthentication::post;
  Milliseconds connect_timeout = std::chrono::seconds(10);
  Milliseconds total_timeout = std::chrono::seconds(25);
};

// The request for a refresh of that login: the profile's values override the provider's, and the login's own
// client overrides the provider's. `client_secret` is from a file; empty: the login's.
TokenRequest token_request(const Profile& profile, const Provider& provider, const Login& login,
                           const Secret& client_secret = {});

RequestResult post_token_request(const TokenRequest& request, const Secret& refresh_token,
                                 const RequestEvents& events);

}  // namespace oci_oauth
