// SPDX-License-Identifier: Apache-2.0
// Stores a token in a secret on a OneCLI server: over HTTP, or with the onecli program if only that is
// configured.
#pragma once

#include <functional>
#include <string>

#include "base/record.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"

namespace oci_oauth {

// A process's environment, like getenv(3): nullptr for an unset name.
using Environment = std::function<const char*(const char* name)>;

// A secret on a server, and what goes into it. Over HTTP it is sent to oci-oauth-onecli, because the program
// that decides does not link the network.
struct OneCliRequest {
  static constexpr int version = 1;

  std::string secret_id;
  std::string url, ca_file;      // over HTTP; an empty ca_file is the system's
  std::string program;           // if `url` is empty; it is not sent
  Secret api_key;                // empty: OneCLI in local mode needs none
  std::string credentials = {};  // of the login whose owner root becomes first
  Milliseconds timeout = {};     // for everything together
  Secret token = {};
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

// Each setting comes from the configuration, or else from its env_file, or else from the environment; an
// address in the configuration takes precedence over all others. Files must belong to root or the caller and
// be inaccessible to others, as ssh(1) requires. Result: all but the last three members. Failure
// (configuration): names the key, file or variable.
Result<OneCliRequest> resolve_onecli(const OneCliSink& sink, const std::string& place,
                                     const Environment& environment);

// Over HTTP, `sender`, the path of oci-oauth-onecli, makes the request; under root, with the rights of the
// owner of the login. Otherwise runs PROGRAM secrets update --id ID --value TOKEN, whose arguments every user
// of the host can see. Failure: names the request and the answer, without any of the answer's body.
Result<void> update_secret(const OneCliRequest& request, const std::string& sender);

}  // namespace oci_oauth
