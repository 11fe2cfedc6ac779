// SPDX-License-Identifier: Apache-2.0
#include "base/supervision.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

bool has_taken_signal = false;

}  // namespace

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
