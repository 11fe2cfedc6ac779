// SPDX-License-Identifier: Apache-2.0
// Whether an exchange sends a request, and what it reports if that does not succeed: the kind of failure, and
// its words. Pure: the time is an argument.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exchange/credential_document.h"
#include "exchange/token_answer.h"
#include "http/http_request.h"
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

// Of this host: the login, its locks or the disk.
ExchangeFailure failure_of(const Error& error);
// No answer arrived.
ExchangeFailure failure_of(const RequestFailure& failure);
// The endpoint refused. `interrupted`: when an earlier refresh of this token began that never ended.
ExchangeFailure failure_of(const TokenAnswer& answer, const Provider& provider,
                           std::optional<Time> interrupted);

}  // namespace oci_oauth
