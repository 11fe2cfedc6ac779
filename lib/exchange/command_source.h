// SPDX-License-Identifier: Apache-2.0
// A token from a command (a profile's "source"): run with the rights and the environment of its user alone,
// for a limited time, and never before the published token is due.
#pragma once

#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// What the command's output means: `text` is read as the provider describes it. Failure: it has no usable
// token, one that has expired by `now`, or one without an expiry.
Result<LoginSnapshot> read_output(Secret text, const ExchangeRequest& request, Time now);

// Runs the command if the published token is due. Result: without a login if it did not run or had no usable
// token; the failure says why, and repeats nothing of its standard output.
ExchangeReport ask_command(const ExchangeRequest& request);

}  // namespace oci_oauth
