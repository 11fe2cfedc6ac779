// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a separate program with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network, and programs that do not need libcurl never load it. The
// program is a child process, or what systemd starts for a connection to oci-oauth-exchange.socket.
#pragma once

#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/wait.h"
#include "token/policy.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// A refresh that has sent its request when it is told to end still waits for the answer.
constexpr Patience patience_of_run = {longest_run - std::chrono::seconds(35),
                                      longest_run - std::chrono::seconds(5)};

struct Exchanger {
  std::string program;  // path of oci-oauth-exchange, which the login's owner need not be able to reach
  std::string socket;   // where systemd listens for us; empty: use a child process
  Patience patience = patience_of_run;
};

// Result: the report. SIGTERM, SIGINT and SIGHUP are passed on to a child, which finishes what it has sent;
// so is the end of its time. A program behind a socket is ended by others. Failure: the owner cannot be
// determined; the program cannot be opened, nobody listens, or it died or hung (its journal tells the next
// run).
Result<ExchangeReport> exchange_as_owner(const Exchanger& exchanger, ExchangeRequest request);

constexpr size_t longest_request = 16 * MiB;
// Failure: as read_record.
Result<ExchangeRequest> read_request(std::string_view text);

// One line, which ends in a newline.
Result<void> send_report(int fd, const ExchangeReport& report);

// The other end of the connection: becomes `program` with the rights of the request's owner, reporting to
// `report`. Result: only a failure, which has also been reported there.
Error become_exchange(const std::string& program, const ExchangeRequest& request, UniqueFd report);

}  // namespace oci_oauth
