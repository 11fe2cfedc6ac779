// SPDX-License-Identifier: Apache-2.0
// Whether to attempt a refresh, and what an attempt changes in the published state. Pure: time and chance are
// arguments.
#pragma once

#include "config/config.h"
#include "token/records.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

struct Moment {
  Time time;      // the end of the attempt
  double jitter;  // in [0, 1)
};
double random_fraction();

// Whether there is nothing to do. After a failure there is, because the journal may contain a login that is
// not in its place yet. Not pure: looks whether the login's file is the one that was published.
bool is_settled(const Profile& profile, const Published& published, const RefreshAim& aim, Time now);

// Of an exchange that could not be started, or never reported: its journal tells the next run what it did.
ExchangeReport report_without_exchange(const Error& error);

// The login as it is, if the report has it: its token and its times; removes pauses and refusals that do not
// apply any more. Of a fleet's login also its record, and when that arrived here.
void note_login(ProfileRecords& known, const ExchangeReport& report, Time time);

// The outcome of the attempt: counts it, and records its error and the pause, or clears both.
void note_attempt(ProfileRecords& known, const ExchangeReport& report, const Moment& moment);

// The same for a profile whose login another profile has refreshed, or tried to: `other` is what that one
// published. It applies if both send the same request.
void note_attempt_of(ProfileRecords& known, const ExchangeReport& report, const ProfileRecords& other);

// When the login's token is due, from its lifetime as far as the above have noted it.
void note_due(ProfileRecords& known, const ExchangeReport& report, Milliseconds refresh_before, Time time);

}  // namespace oci_oauth
