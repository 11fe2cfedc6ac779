// SPDX-License-Identifier: Apache-2.0
// oci-oauth-exchange: performs one exchange as the login's owner. Reads the request from stdin and writes the
// report to stdout. Only oci-oauth starts it.
#include "base/wait.h"
#include "exchange/exchange.h"
#include "exchange/exchange_program.h"

int main(int argc, char** argv) {
  using namespace oci_oauth;
  constexpr auto help =
      "usage: oci-oauth-exchange <REQUEST >REPORT\n\nperforms one token exchange for oci-oauth(1), which "
      "starts it\n";
  catch_stop_signals();
  return run_exchange_program(argc, argv, "oci-oauth-exchange", help, [](const ExchangeRequest& request) {
    return keep_fresh(request, is_stop_requested);
  });
}
