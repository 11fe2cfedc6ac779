// SPDX-License-Identifier: Apache-2.0
// What login and logout share: the call of oci-oauth-login.
#pragma once

#include "command.h"
#include "worker/worker.h"

namespace oci_oauth {

// Reports what the program noticed. Failure: its own.
Result<void> run_login(const Log& log, const Instance& instance, ExchangeRequest request,
                       const Patience& patience);

}  // namespace oci_oauth
