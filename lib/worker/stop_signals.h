// SPDX-License-Identifier: Apache-2.0
// SIGTERM, SIGINT and SIGHUP as requests: a refresh that has been sent to a server is finished first.
#pragma once

#include <signal.h>

#include <array>

namespace oci_oauth {

// During its lifetime, these signals, blocked before or not, only make requested() true.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool requested();

 private:
  std::array<struct sigaction, 3> old_;
};

}  // namespace oci_oauth
