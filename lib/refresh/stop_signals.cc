// SPDX-License-Identifier: Apache-2.0
#include "refresh/stop_signals.h"

namespace oci_oauth {

namespace {

volatile sig_atomic_t stop_requested = 0;

void mask(int how) {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGTERM);
  sigaddset(&both, SIGINT);
  ::sigprocmask(how, &both, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_requested = 1; };
  ::sigaction(SIGTERM, &action, &old_term_);
  ::sigaction(SIGINT, &action, &old_int_);
  mask(SIG_UNBLOCK);
}

StopSignals::~StopSignals() {
  ::sigaction(SIGTERM, &old_term_, nullptr);
  ::sigaction(SIGINT, &old_int_, nullptr);
}

bool StopSignals::requested() {
  return stop_requested != 0;
}

void StopSignals::block() {
  mask(SIG_BLOCK);
}

}  // namespace oci_oauth
