// SPDX-License-Identifier: Apache-2.0
// Asks whether a token endpoint is there: name, connection and TLS as for a token request, but a HEAD without
// any credential.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

struct EndpointProbe {
  std::string url, user_agent, ca_file, proxy;  // as in TokenRequest
  Milliseconds timeout = std::chrono::seconds(10);
};

struct EndpointAnswer {
  long status = 0;           // any says that a server is there: many answer 404 or 405 to a HEAD
  std::optional<Time> date;  // the server's clock: the Date header, RFC 9110 section 6.6.1
};

// Failure: "connect to HOST:PORT: reason", "certificate of HOST:PORT: reason", with a hint.
Result<EndpointAnswer> probe_endpoint(const EndpointProbe& probe);

}  // namespace oci_oauth
