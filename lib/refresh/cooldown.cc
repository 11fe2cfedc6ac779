// SPDX-License-Identifier: Apache-2.0
#include "refresh/cooldown.h"

#include <algorithm>

namespace oci_oauth {

Milliseconds cooldown(FailureKind kind, unsigned failures, std::optional<Milliseconds> retry_after,
                      double jitter) {
  using std::chrono::minutes, std::chrono::seconds;
  if (kind != FailureKind::throttled && kind != FailureKind::server) return Milliseconds(0);
  if (retry_after) return std::clamp<Milliseconds>(*retry_after, seconds(1), longest_rest);
  const unsigned doublings = std::min(failures == 0 ? 0 : failures - 1, 6U);
  const Milliseconds base = std::min<Milliseconds>(seconds(30) * (1U << doublings), minutes(30));
  return std::chrono::duration_cast<Milliseconds>(base * (0.75 + jitter / 2));
}

}  // namespace oci_oauth
