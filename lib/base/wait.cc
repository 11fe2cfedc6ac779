// SPDX-License-Identifier: Apache-2.0
#include "base/wait.h"

#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

volatile sig_atomic_t stop_requested = 0;
bool has_taken_signal = false;

int milliseconds_until(SteadyTime deadline) {
  if (deadline == SteadyTime::max()) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(deadline - steady_clock::now());
  return static_cast<int>(std::clamp<Milliseconds::rep>(left.count(), 0, INT_MAX));
}

}  // namespace

pollfd readable(int fd) {
  return {.fd = fd, .events = POLLIN, .revents = 0};
}

bool wait_readable(std::span<pollfd> any, SteadyTime deadline) {
  int ready = 0;
  while ((ready = ::poll(any.data(), any.size(), milliseconds_until(deadline))) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

bool wait_readable(int fd, SteadyTime deadline) {
  pollfd event = readable(fd);
  return wait_readable({&event, 1}, deadline);
}

bool is_readable(int fd) {
  pollfd event = readable(fd);
  return ::poll(&event, 1, 0) == 1;
}

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

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_requested = 1; };
  action.sa_flags = SA_RESTART;
  sigset_t all;
  ::sigemptyset(&all);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    ::sigaction(number, &action, nullptr);
    ::sigaddset(&all, number);
  }
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
}

bool is_stop_requested() {
  return stop_requested != 0;
}

Supervision::Supervision(const Patience& patience)
    : told_at_(steady_clock::now() + patience.until_told),
      killed_at_(steady_clock::now() + patience.until_killed) {}

bool Supervision::wait(std::vector<pollfd> any, const std::function<void()>& tell) {
  any.push_back(readable(signals_.fd()));
  (void)wait_readable(any, is_late_ ? killed_at_ : told_at_);
  const bool has_signal = signals_.take().has_value();
  has_taken_signal = has_taken_signal || has_signal;
  const bool was_late = is_late_;
  is_late_ = steady_clock::now() >= told_at_;
  if (has_signal || is_late_ != was_late) tell();
  return steady_clock::now() < killed_at_;
}

bool Supervision::is_stopping() {
  return has_taken_signal;
}

}  // namespace oci_oauth
