// SPDX-License-Identifier: Apache-2.0
// What an authorization server says about itself: RFC 8414, and OpenID Connect Discovery 1.0. It counts only
// if it names the very issuer that was asked for; an origin may have a slash at its end. What a protected
// resource says (RFC 9728) counts only if it is about that resource.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/token_request.h"

namespace oci_oauth {

// Endpoints are URLs that check_url() accepts; empty: the server has none.
struct ServerMetadata {
  std::string issuer;
  std::string token_url, authorization_url, device_authorization_url, revocation_url;
  bool names_itself = false;                   // in each authorization response (RFC 9207 section 3)
  bool supports_s256 = true;                   // RFC 7636 section 4.2; also if it does not say
  bool takes_post = true, takes_basic = true;  // a client's secret; also if it does not say

  // That way to authenticate, or the other one if the server takes only that.
  ClientAuthentication accepted(ClientAuthentication wanted) const;
};

// Where the metadata of an issuer may be, in order (RFC 8414 sections 3.1 and 5).
std::vector<std::string> metadata_urls(std::string_view issuer);

// Failure: "URL: reason" for what is not the metadata of `issuer`, or has an endpoint that cannot be used.
Result<ServerMetadata> parse_metadata(std::string_view text, const std::string& url, std::string_view issuer);

// Where a protected resource's metadata may be, in order (RFC 9728 section 3.1).
std::vector<std::string> resource_metadata_urls(std::string_view resource);

// Result: its first authorization server. Failure: "URL: reason" for what is not the metadata of `resource`,
// or of what contains it.
Result<std::string> parse_resource_metadata(std::string_view text, const std::string& url,
                                            std::string_view resource);

// A server that does not answer leaves time for the refresh of what is known without it.
constexpr auto longest_look = std::chrono::seconds(8);

// A look at one of these addresses, without the URL: the client's settings, and `longest_look` at most.
HttpRequest metadata_request(const TokenRequest& client);

// That of the client's issuer; without one, of the issuer that its resource names, or of the resource's
// origin if it has no metadata. Failure: temporary if the server does not answer; another kind if it has
// none.
Result<ServerMetadata> discover(const TokenRequest& client);

}  // namespace oci_oauth
