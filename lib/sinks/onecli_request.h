// SPDX-License-Identifier: Apache-2.0
// The request that updates a secret on a OneCLI server, and its encoding for the program that sends it,
// because the program that decides does not link the network.
#pragma once

#include <string>

#include "base/record.h"
#include "base/secret.h"
#include "base/time.h"

namespace oci_oauth {

struct OneCliRequest {
  static constexpr int version = 1;

  std::string url, secret_id;
  std::string ca_file;      // empty: the system's
  std::string credentials;  // of the login whose owner root becomes first
  Milliseconds timeout;     // for everything together
  Secret api_key;           // empty: no Authorization header
  Secret token;
};

void describe(auto& each, RecordOf<OneCliRequest> auto& request) {
  each("url", request.url);
  each("secret_id", request.secret_id);
  each("ca_file", request.ca_file);
  each("credentials", request.credentials);
  each("timeout_ms", request.timeout, Presence::required);
  each("api_key", request.api_key);
  each("token", request.token);
}

}  // namespace oci_oauth
