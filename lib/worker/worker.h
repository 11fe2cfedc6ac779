// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a program of its own with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network, and what never needs them never loads libcurl. The
// program is a child of ours, or what systemd starts for a connection to oci-oauth-exchange.socket.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// A child process, waited for at the latest when the object goes.
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
  Child process;  // may still be ending: who publishes need not wait for that
};

struct Exchanger {
  std::string program;  // path of oci-oauth-exchange, which the login's owner need not be able to reach
  std::string socket;   // where systemd listens for us; empty: a child
};

// Returns with the report. SIGTERM and SIGINT are passed on to a child, which finishes what it has sent; at a
// socket somebody else ends the program, or its own time limits do. Failure: the owner cannot be found; the
// program cannot be opened, nobody listens, or it died (its journal tells the next run).
ExchangeRun exchange_as_owner(const Exchanger& exchanger, ExchangeRequest request);

// The other end of the connection: becomes `program` with the request's owner's rights, to report to
// `report`. Result: only a failure, which has been reported there as well.
Error become_exchange(const std::string& program, const ExchangeRequest& request, UniqueFd report);

}  // namespace oci_oauth
