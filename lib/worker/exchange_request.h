// SPDX-License-Identifier: Apache-2.0
// What an exchange is asked to do, and its encoding for the program that does it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "config/provider.h"
#include "token/published.h"
#include "worker/login_owner.h"

namespace oci_oauth {

enum class Force { no, yes };
enum class Endpoint { asked, left_alone };

struct ExchangeRequest {
  Profile profile;
  Provider provider;
  Published
      // what is known from earlier runs: when the token was first seen, a cool-down, a dead refresh token
      published;
  Force force = Force::no;
  Milliseconds min_ttl{0};  // refresh also if less than this is left
  Endpoint endpoint = Endpoint::asked;
  std::string
      rejected_token_hash;  // an access token that a server refused: it must not be kept, whatever its expiry
  std::optional<LoginOwner> owner;  // the user to become first; nullopt: keep the current one
};

// The request as text for the program that performs the exchange, and back: what keep_fresh needs of it.
// Failure: the text is not a request.
std::string format_request(const ExchangeRequest& request);
Result<ExchangeRequest> parse_request(std::string_view text);

}  // namespace oci_oauth
