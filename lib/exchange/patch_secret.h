// SPDX-License-Identifier: Apache-2.0
// Updates a secret of a OneCLI server.
#pragma once

#include "base/result.h"
#include "sinks/onecli_request.h"

namespace oci_oauth {

// PATCH URL/v1/secrets/ID with {"value": TOKEN} or, after 404, URL/api/secrets/ID, by the rules of
// http_request.h. Success: 2xx. Failure: "PATCH URL: answered 500", "url: reason", or why nothing was sent or
// received.
Result<void> patch_secret(const OneCliRequest& request);

}  // namespace oci_oauth
