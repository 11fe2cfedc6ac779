// SPDX-License-Identifier: Apache-2.0
// Signals as something to read: none is missed, and none interrupts a call.
#pragma once

#include <signal.h>

#include <initializer_list>
#include <optional>

#include "base/unique_fd.h"

namespace oci_oauth {

class SignalQueue {
 public:
  // During its lifetime, these signals are queued: signalfd(2). Those that were not taken are delivered after
  // it.
  SignalQueue(std::initializer_list<int> numbers);
  ~SignalQueue() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  int fd() const { return fd_.get(); }  // readable if a signal is queued
  std::optional<int> take() const;      // nullopt: none is queued
  // For a child process: the signal mask from before.
  void restore() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_ = {};
  UniqueFd fd_;
};

}  // namespace oci_oauth
