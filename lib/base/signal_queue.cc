// SPDX-License-Identifier: Apache-2.0
#include "base/signal_queue.h"

#include <sys/signalfd.h>

namespace oci_oauth {

SignalQueue::SignalQueue(std::initializer_list<int> numbers) {
  sigset_t queued;
  ::sigemptyset(&queued);
  for (const int number : numbers) ::sigaddset(&queued, number);
  ::sigprocmask(SIG_BLOCK, &queued, &before_);
  fd_.reset(::signalfd(-1, &queued, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<int> SignalQueue::take() const {
  signalfd_siginfo signal = {};
  if (::read(fd_.get(), &signal, sizeof signal) != sizeof signal) return std::nullopt;
  return static_cast<int>(signal.ssi_signo);
}

}  // namespace oci_oauth
