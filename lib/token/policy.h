// SPDX-License-Identifier: Apache-2.0
// When a token is due. Pure: the time is an argument.
#pragma once

#include "base/time.h"

namespace oci_oauth {

enum class Freshness { fresh, due, expired };

// The moment from which a token is to be refreshed: `refresh_before` ahead of its expiry, but never before
// half of its life is over. `obtained_at` is when we first saw the token, the earliest start of its life that
// we know of.
Time due_at(Time obtained_at, Time expires_at, Milliseconds refresh_before);

Freshness freshness(Time now, Time due_at, Time expires_at);

}  // namespace oci_oauth
