// SPDX-License-Identifier: Apache-2.0
// Since when the holder of a profile's lock refreshes: kept as the modification time of the lock's file, by
// the monotonic clock, which does not leap. Hooks that wait for one refresh share its time.
#pragma once

#include <optional>

#include "base/file.h"
#include "base/time.h"

namespace oci_oauth {

// Marks the lock's file while it lives.
class RefreshMark {
 public:
  explicit RefreshMark(int lock, SteadyTime began = std::chrono::steady_clock::now());
  ~RefreshMark();
  RefreshMark(const RefreshMark&) = delete;
  RefreshMark& operator=(const RefreshMark&) = delete;

 private:
  int lock_;
};

// nullopt: `lock` has no mark, or one of another start of the host. A refresher that was killed has left its
// own, which the next one replaces.
std::optional<SteadyTime> beginning_of_refresh(const FileAt& lock, SteadyTime now);

// Removes the mark of a killed process.
void clear_refresh_mark(int lock);

}  // namespace oci_oauth
