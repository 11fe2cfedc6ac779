// SPDX-License-Identifier: Apache-2.0
#include "token/policy.h"

#include <algorithm>

namespace oci_oauth {

Time due_at(Time obtained_at, Time expires_at, Milliseconds refresh_before) {
  const Milliseconds life = std::max(expires_at - obtained_at, Milliseconds(0));
  return expires_at - std::min(refresh_before, life / 2);
}

Freshness freshness(Time now, Time due_at, Time expires_at) {
  if (now >= expires_at) return Freshness::expired;
  return now >= due_at ? Freshness::due : Freshness::fresh;
}

}  // namespace oci_oauth
