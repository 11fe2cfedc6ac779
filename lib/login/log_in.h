// SPDX-License-Identifier: Apache-2.0
// Logging in without a client of the provider's own, and logging out again. Runs as the login's owner.
#pragma once

#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// Obtains a login from the server, with the person's help, and makes it the document that the profile names.
// A login that is there is replaced only with the request's `force`, or if the person says so. The report
// says whether it failed; it contains no token.
ExchangeReport log_in(const ExchangeRequest& request);

// Revokes the login's tokens (RFC 7009), the refresh token first, and removes the document if log_in() made
// it. What could not be revoked is a failure, and is removed all the same.
ExchangeReport log_out(const ExchangeRequest& request);

}  // namespace oci_oauth
