// SPDX-License-Identifier: Apache-2.0
// oci-oauth-login: makes or ends one login as its owner, and talks with the person at the terminal. Reads the
// request from stdin and writes the report to stdout. Only oci-oauth starts it.
#include "exchange/exchange_program.h"
#include "login/log_in.h"

int main(int argc, char** argv) {
  using namespace oci_oauth;
  constexpr auto help =
      "usage: oci-oauth-login <REQUEST >REPORT\n\nlogs in and out for oci-oauth(1), which starts it\n";
  return run_exchange_program(argc, argv, "oci-oauth-login", help, [](const ExchangeRequest& request) {
    const bool ends = request.login && request.login->action == LoginAction::log_out;
    return ends ? log_out(request) : log_in(request);
  });
}
