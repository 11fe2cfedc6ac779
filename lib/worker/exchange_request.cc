// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_request.h"

namespace oci_oauth {

Result<ExchangeRequest> read_request(std::string_view text) {
  auto request = read_record<ExchangeRequest>(text, "exchange request");
  if (request) return request;
  return std::move(request).error().with_hint(
      "restart the program that sent it: it was started before an upgrade");
}

}  // namespace oci_oauth
