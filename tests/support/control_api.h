// SPDX-License-Identifier: Apache-2.0
// Drives a token endpoint from a shell: the test's side of the endpoint as HTTPS requests below /control/.
#pragma once

#include <chrono>
#include <string>

#include "support/token_endpoint.h"

namespace oci_oauth::test {

// A login as the document that Claude Code stores (.credentials.json).
std::string claude_credentials(const Login& login, std::chrono::system_clock::time_point now);

// Answers, all in JSON; 400 names what is wrong with a request, 404 stands for a path that is none of these.
//   GET  /control/requests              the requests so far
//   GET  /control/counters              members as in Counters, max_posts_per_refresh_token, and answered_us:
//                                       when the last answer went out, in microseconds since the epoch
//   GET  /control/wait?COUNTER=N&...    the same once each COUNTER is N or more; 408 after timeout_ms,
//                                       default 10000
//   POST /control/script                queues a step, given as the JSON body: at, delay_ms, ending, members,
//                                       omit, pad_to as in Step (omit as one space-separated string; members
//                                       as an object); status, headers, body: its reply
//   POST /control/login[?expires_in=S]  a new login as claude_credentials()
//   GET  /control/valid-refresh?token=T {"valid":true}, or {"valid":false} with 404
// `endpoint` outlives the handler.
TokenEndpoint::Handler control_api(TokenEndpoint& endpoint);

}  // namespace oci_oauth::test
