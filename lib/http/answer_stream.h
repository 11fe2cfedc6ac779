// SPDX-License-Identifier: Apache-2.0
// A request whose answer goes on, as that of a store that tells each change. As http_request.h otherwise.
#pragma once

#include <functional>

#include "http/http_request.h"

namespace oci_oauth {

// `part` takes what has arrived of the answer, and returns false to end it.
// Result: also if the server or `until` ended it, without a body. Failure: nothing of it came within
// total_timeout; the connection was lost. Nothing wakes up the process meanwhile.
RequestResult follow_answer(const HttpRequest& request, SteadyTime until,
                            const std::function<bool(const Arrival&)>& part);

}  // namespace oci_oauth
