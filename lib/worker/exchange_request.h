// SPDX-License-Identifier: Apache-2.0
// What an exchange is asked for, and its way to the program that does it.
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
      published;  // what we know from earlier runs: the token's first sight, cool-down, a dead refresh token
  Force force = Force::no;
  Milliseconds min_ttl{0};  // refresh also where less than this is left
  Endpoint endpoint = Endpoint::asked;
  std::string
      rejected_token_hash;  // an access token that a server refused: not to be kept, however long it lives
  std::optional<LoginOwner> owner;  // whom to become for it; nullopt: whoever runs it is the one
};

// The request as text for the program that does the exchange, and back: what keep_fresh needs of it. Failure:
// a text that is none.
std::string format_request(const ExchangeRequest& request);
Result<ExchangeRequest> parse_request(std::string_view text);

}  // namespace oci_oauth
