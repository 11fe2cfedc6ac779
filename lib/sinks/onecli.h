// SPDX-License-Identifier: Apache-2.0
// Stores a token in a secret on a OneCLI server: over HTTP, or with the onecli program if only that is
// configured.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"

namespace oci_oauth {

// A process's environment, like getenv(3): nullptr for an unset name.
using Environment = std::function<const char*(const char* name)>;

struct OneCliSettings {
  std::string secret_id;
  std::string url, ca_file;  // over HTTP; an empty ca_file is the system's
  std::string program;       // if `url` is empty
  Secret api_key;            // empty: OneCLI in local mode needs none
};

// Each setting comes from the configuration, or else from its env_file, or else from the environment; an
// address in the configuration takes precedence over all others. Files must belong to root or the caller and
// be inaccessible to others, as ssh(1) requires. Failure (configuration): names the key, file or variable.
Result<OneCliSettings> resolve_onecli(const OneCliSink& sink, const std::string& place,
                                      const Environment& environment);

// Over HTTP, `sender`, the path of oci-oauth-onecli, makes the request (onecli_request.h); under root, with
// the rights of the owner of the login at `credentials`. Otherwise runs PROGRAM secrets update --id ID
// --value TOKEN, whose arguments every user of the host can see. Failure: names the request and the answer,
// without any of the answer's body.
Result<void> update_secret(const OneCliSettings& settings, const Secret& token, Milliseconds timeout,
                           const std::string& sender, const std::string& credentials);

}  // namespace oci_oauth
