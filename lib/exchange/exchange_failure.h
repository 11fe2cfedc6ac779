// SPDX-License-Identifier: Apache-2.0
// What an exchange reports that did not succeed: the kind of failure, and its words. Pure.
#pragma once

#include <optional>
#include <string>

#include "config/provider.h"
#include "exchange/token_answer.h"
#include "http/http_request.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

// Of this host: the login, its locks or the disk.
ExchangeFailure failure_of(const Error& error);
// No answer arrived.
ExchangeFailure failure_of(const RequestFailure& failure);
// The endpoint refused. `interrupted`: when an earlier refresh of this token began that never ended.
ExchangeFailure failure_of(const TokenAnswer& answer, const Provider& provider,
                           std::optional<Time> interrupted);

}  // namespace oci_oauth
