// SPDX-License-Identifier: Apache-2.0
// Waits for child processes that may hang: they are told to end in time, and the wait is limited.
#pragma once

#include <functional>
#include <vector>

#include "base/poll.h"
#include "base/signal_queue.h"
#include "base/time.h"

namespace oci_oauth {

struct Patience {
  Milliseconds until_told;    // to end, by SIGTERM
  Milliseconds until_killed;  // by SIGKILL, and the wait ends
};

class Supervision {
 public:
  // During its lifetime, SIGTERM, SIGINT and SIGHUP to the caller are queued for wait().
  explicit Supervision(const Patience& patience);

  // Waits until one of `any` is readable. Calls `tell` after such a signal and at the end of until_told.
  // Result: false at the end of until_killed.
  bool wait(std::vector<pollfd> any, const std::function<void()>& tell);

  // Whether this process has taken such a signal: children that it starts afterwards should end, too.
  static bool is_stopping();

  // For a child process: the signal mask from before.
  void restore_signals() const { signals_.restore(); }

 private:
  SignalQueue signals_{SIGTERM, SIGINT, SIGHUP};
  SteadyTime told_at_, killed_at_;
  bool is_late_ = false;
};

}  // namespace oci_oauth
