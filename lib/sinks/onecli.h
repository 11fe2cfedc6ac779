// SPDX-License-Identifier: Apache-2.0
// Puts a token into a secret of a OneCLI server: by HTTP, or by OneCLI's own program where only that is
// known.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/sink_config.h"

namespace oci_oauth {

// A process's environment, as getenv(3) gives it: nullptr for a name that is not set.
using Environment = std::function<const char*(const char* name)>;

struct OneCliSettings {
  std::string secret_id;
  std::string url, ca_file;  // by HTTP; an empty ca_file is the system's
  std::string program;       // where `url` is empty
  Secret api_key;            // empty: a OneCLI in local mode asks for none
};

// Each setting from the configuration, else from its env_file, else from the environment; an address in the
// configuration leaves no choice to the others. Files must belong to root or the caller and be closed to
// everybody else, as ssh(1) wants it. Failure (configuration): names the key, file or variable.
Result<OneCliSettings> resolve_onecli(const OneCliSink& sink, const std::string& place,
                                      const Environment& environment);

// Either by HTTP: `sender`, the path of oci-oauth-onecli, makes the request (onecli_request.h), where it is
// root with the rights of the owner of the login at `credentials`. Or by program: PROGRAM secrets update --id
// ID
// --value TOKEN, whose arguments every user of the host can see. Failure: says what was asked and what came
// back, never a byte of the answer's body.
Result<void> update_secret(const OneCliSettings& settings, const Secret& token, Milliseconds timeout,
                           const std::string& sender, const std::string& credentials);

}  // namespace oci_oauth
