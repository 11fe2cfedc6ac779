// SPDX-License-Identifier: Apache-2.0
// Waits until a point in time: for descriptors, for signals, and for child processes that may hang.
#pragma once

#include <poll.h>
#include <signal.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// What poll(2) takes to wait for input or the end of a stream; of a pidfd, for the end of the process.
pollfd readable(int fd);

// poll(2) until one of `any`, whose revents are set, is readable, through signals. Result: false if
// `deadline` came first. SteadyTime::max() is no deadline.
bool wait_readable(std::span<pollfd> any, SteadyTime deadline);
bool wait_readable(int fd, SteadyTime deadline);

// The same without waiting.
bool is_readable(int fd);

// Signals as something to read: none is missed, and none interrupts a call.
class SignalQueue {
 public:
  // During its lifetime, these signals are queued: signalfd(2). Those that were not taken are delivered after
  // it.
  SignalQueue(std::initializer_list<int> numbers);
  ~SignalQueue() { restore(); }
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

// From here on, SIGTERM, SIGINT and SIGHUP, blocked before or not, are only requests: work on files
// continues, and calls that wait for an event return (signal(7)).
void catch_stop_signals();
bool is_stop_requested();

struct Patience {
  Milliseconds until_told;    // to end, by SIGTERM
  Milliseconds until_killed;  // by SIGKILL, and the wait ends
};

// A limited wait for child processes, which are told to end in time.
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
