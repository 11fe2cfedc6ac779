// SPDX-License-Identifier: Apache-2.0
// What an attempt to refresh leaves in what is published. Pure: time and chance are arguments.
#pragma once

#include "config/config.h"
#include "token/published.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

struct Moment {
  Time time;      // the end of the attempt
  double jitter;  // in [0, 1)
};

// The login as it is: its token, its times, and whose rests and refusals are over with it.
void note_login(Published& published, const ExchangeReport& report, const Profile& profile, Time time);

// How the attempt went: counts it, keeps the error and lets everybody rest, or forgets both.
void note_attempt(Published& published, const ExchangeReport& report, const Moment& moment);

// The same for a profile whose login another one has refreshed, or tried to: `other` is what that one
// published. It counts where both ask the same.
void note_attempt_of(Published& published, const ExchangeReport& report, const Published& other);

}  // namespace oci_oauth
