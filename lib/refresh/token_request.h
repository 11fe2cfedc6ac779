// SPDX-License-Identifier: Apache-2.0
// One POST to a token endpoint (RFC 6749 section 6), exactly once: no retry, no redirect, no reused
// connection, https only (http for a loopback address), no proxy or CA from the environment.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "refresh/token_answer.h"
#include "token/provider.h"

namespace oci_oauth {

struct TokenRequest {
  std::string url, client_id, user_agent, ca_file, proxy;  // ca_file, proxy: empty is the system's, none
  BodyEncoding body = BodyEncoding::form;
  std::vector<std::string> scopes;  // empty: no scope parameter
  Milliseconds connect_timeout = std::chrono::seconds(10);
  Milliseconds total_timeout = std::chrono::seconds(25);
};

struct RequestFailure {
  enum class Sent { no, perhaps };  // no: nothing of the request left this host, trying again is safe
  Sent sent = Sent::no;
  std::string message;  // "connect to localhost:1: connection refused"
};

using RequestResult = std::variant<HttpReply, RequestFailure>;

// `while_waiting` is called about once a second until the answer is there.
RequestResult post_token_request(const TokenRequest& request, const Secret& refresh_token,
                                 const std::function<void()>& while_waiting);

// Failure (configuration): not https, nor http to 127.0.0.0/8, ::1 or localhost.
Result<void> check_token_url(std::string_view url);

}  // namespace oci_oauth
