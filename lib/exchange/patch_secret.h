// SPDX-License-Identifier: Apache-2.0
// Updates a secret of a OneCLI server.
#pragma once

#include "base/result.h"
#include "sinks/onecli_request.h"

namespace oci_oauth {

// PATCH URL/v1/secrets/ID with {"value": TOKEN}, and on 404 URL/api/secrets/ID, under the rules of
// http_request.h. Success: 2xx. Failure: "PATCH URL: answered 500", "url: reason", or why nothing was sent or
// came back.
Result<void> patch_secret(const OneCliRequest& request);

}  // namespace oci_oauth
