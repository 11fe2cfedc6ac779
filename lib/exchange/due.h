// SPDX-License-Identifier: Apache-2.0
// Whether an exchange sends anything. Pure: the time is an argument.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exchange/credential_document.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// Whether the token with this hash must be replaced: it is due, was refused, or expires too early for who
// asks.
bool is_due(const ExchangeRequest& request, const std::string& token_hash, Time expires_at, Time now);
bool is_due(const ExchangeRequest& request, const Login& login, Time now);

// What an answer depends on: with another refresh token, endpoint, client or scope it may be different.
std::string request_hash(const ExchangeRequest& request, const Login& login);

// The outcome of a request that need not be repeated: this very one was refused for good, or failed recently.
// nullopt: it may be sent; a notice says so if only because it is forced. `shown` names the login.
std::optional<ExchangeFailure> known_failure(const ExchangeRequest& request, const std::string& request_hash,
                                             const std::string& shown, std::vector<std::string>& notices,
                                             Time now);

}  // namespace oci_oauth
