// SPDX-License-Identifier: Apache-2.0
// What an attempt to refresh changes in the published state. Pure: time and chance are arguments.
#pragma once

#include "config/config.h"
#include "token/refresh_history.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

struct Moment {
  Time time;      // the end of the attempt
  double jitter;  // in [0, 1)
};

// The login as it is: its token and its times; removes pauses and refusals that do not apply any more.
void note_login(ProfileRecords& known, const ExchangeReport& report, const Profile& profile, Time time);

// The outcome of the attempt: counts it, and records its error and the pause, or clears both.
void note_attempt(ProfileRecords& known, const ExchangeReport& report, const Moment& moment);

// The same for a profile whose login another profile has refreshed, or tried to: `other` is what that one
// published. It applies if both send the same request.
void note_attempt_of(ProfileRecords& known, const ExchangeReport& report, const ProfileRecords& other);

}  // namespace oci_oauth
