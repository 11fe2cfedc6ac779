// SPDX-License-Identifier: Apache-2.0
// A POST of a client to its server, as to the token endpoint (RFC 6749 section 6), under the rules of
// http_request.h: exactly once.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"
#include "config/provider.h"
#include "exchange/credential_document.h"
#include "http/http_request.h"

namespace oci_oauth {

// The profile's values override the provider's. Without a url, that of the issuer counts (server_metadata.h).
HttpTarget token_endpoint(const Profile& profile, const Provider& provider);

struct TokenRequest : HttpTarget {
  TokenRequest() = default;
  explicit TokenRequest(const HttpTarget& target) : HttpTarget(target) {}

  std::string issuer, resource, client_id;  // what is empty is not known, or not sent
  BodyEncoding body = BodyEncoding::form;
  std::vector<std::string> scopes;  // empty: no scope parameter
  Pairs parameters;                 // further ones
  Secret client_secret;             // empty: a public client
  ClientAuthentication authentication = ClientAuthentication::post;
};

// The request for a refresh of that login: the profile's values override the provider's, and the login's own
// client overrides the provider's. `client_secret` is from a file; empty: the login's.
TokenRequest token_request(const Profile& profile, const Provider& provider, const Login& login,
                           const Secret& client_secret = {});

// `parameters` and those of the client and the provider.
RequestResult post_parameters(const TokenRequest& request, const Parameters& parameters,
                              const RequestEvents& events = {});

// A refresh.
RequestResult post_token_request(const TokenRequest& request, const Secret& refresh_token,
                                 const RequestEvents& events);

}  // namespace oci_oauth
