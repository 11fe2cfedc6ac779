// SPDX-License-Identifier: Apache-2.0
// Runs an exchange in a program of its own with the login owner's rights and no way back, so that root itself
// touches neither the user's files nor the network, and what never needs them never loads libcurl.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "refresh/exchange.h"

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

// `program` is the path of oci-oauth-exchange, which the owner need not be able to reach. Returns with its
// report. SIGTERM and SIGINT are passed on; it finishes what it has sent. Failure: the owner cannot be found;
// the program cannot be opened, or died (its journal tells the next run).
ExchangeRun exchange_as_owner(const std::string& program, const ExchangeRequest& request);

}  // namespace oci_oauth
