// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a separate program with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network, and programs that do not need libcurl never load it. The
// program is a child process, or what systemd starts for a connection to oci-oauth-exchange.socket.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// A child process; the destructor waits for it.
class Child {
 public:
  explicit Child(pid_t pid = 0) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child() { wait(); }

  pid_t pid() const { return pid_; }
  int wait();  // Result: as wait(2)'s; 0 the second time

 private:
  pid_t pid_;
};

struct ExchangeRun {
  Result<ExchangeReport> report;
  Child process;  // may still be exiting, which publishing need not wait for
};

struct Exchanger {
  std::string program;  // path of oci-oauth-exchange, which the login's owner need not be able to reach
  std::string socket;   // where systemd listens for us; empty: use a child process
};

// Returns with the report. SIGTERM and SIGINT are passed on to a child, which finishes what it has sent; a
// program behind a socket is ended by its own time limits or by others. Failure: the owner cannot be
// determined; the program cannot be opened, nobody listens, or it died (its journal tells the next run).
ExchangeRun exchange_as_owner(const Exchanger& exchanger, ExchangeRequest request);

// The other end of the connection: becomes `program` with the rights of the request's owner, reporting to
// `report`. Result: only a failure, which has also been reported there.
Error become_exchange(const std::string& program, const ExchangeRequest& request, UniqueFd report);

}  // namespace oci_oauth
