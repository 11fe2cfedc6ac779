// SPDX-License-Identifier: Apache-2.0
#include "worker/stop_signals.h"

namespace oci_oauth {

namespace {

constexpr std::array stop_signals = {SIGTERM, SIGINT, SIGHUP};

volatile sig_atomic_t stop_requested = 0;

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_requested = 1; };
  // Work on files continues; calls that wait for an event return all the same (signal(7)).
  action.sa_flags = SA_RESTART;
  sigset_t all;
  sigemptyset(&all);
  for (size_t i = 0; i < old_.size(); ++i) {
    ::sigaction(stop_signals[i], &action, &old_[i]);
    sigaddset(&all, stop_signals[i]);
  }
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < old_.size(); ++i) ::sigaction(stop_signals[i], &old_[i], nullptr);
}

bool StopSignals::requested() {
  return stop_requested != 0;
}

}  // namespace oci_oauth
