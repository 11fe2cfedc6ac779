// SPDX-License-Identifier: Apache-2.0
// The request that updates a secret on a OneCLI server, and its encoding for the program that sends it,
// because the program that decides does not link the network.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

struct OneCliRequest {
  std::string url, secret_id;
  std::string ca_file;      // empty: the system's
  std::string credentials;  // of the login whose owner root becomes first
  Milliseconds timeout;     // for everything together
  Secret api_key;           // empty: no Authorization header
  Secret token;
};

Secret format_onecli_request(const OneCliRequest& request);
// Failure: the text is not a request.
Result<OneCliRequest> parse_onecli_request(std::string_view text);

}  // namespace oci_oauth
