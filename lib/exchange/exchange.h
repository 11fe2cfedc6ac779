// SPDX-License-Identifier: Apache-2.0
// Keeps one login fresh: lock, re-read, still due?, prove that the answer can be stored, one POST, durable on
// disk. Runs as the login's owner and is the only code that handles a refresh token.
#pragma once

#include <functional>

#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// `stop` is asked while waiting for locks: true ends the run before anything is sent. Once a request is sent,
// the run goes on to the end whatever happens.
ExchangeReport keep_fresh(const ExchangeRequest& request, const std::function<bool()>& stop);

}  // namespace oci_oauth
