// SPDX-License-Identifier: Apache-2.0
// One refresh of a profile, from the decision to the last container: exchange, publish, deliver. One at a
// time for each profile, however many processes want it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "config/config.h"
#include "refresh/attempt.h"
#include "token/runtime_dir.h"
#include "worker/exchange_request.h"
#include "worker/worker.h"

namespace oci_oauth {

// What a refresh works with. Tests have their own exchange, time and chance.
struct Refresher {
  const RuntimeDir& runtime;
  std::vector<std::string> provider_directories;
  Exchanger exchanger = {};
  const FleetConfig* fleet = nullptr;  // of this host; nullptr: the caller knows what a fleet's login needs
  std::function<Result<ExchangeReport>(const Exchanger&, ExchangeRequest)> exchange = exchange_as_owner;
  std::function<Time()> clock = now;
  std::function<double()> chance = random_fraction;
};

struct RefreshOptions {
  RefreshAim aim = {};
  // From another profile with this login, which has just contacted the endpoint: its outcome applies.
  const ProfileRecords* follows = nullptr;
  // Already held by the calling process (the hook); empty: taken here.
  std::optional<FileLock> lock = std::nullopt;
};

struct RefreshOutcome : ExchangeOutcome {
  ProfileRecords known = {};                  // the current state
  std::vector<Error> deliveries_failed = {};  // written directories that could not be updated
};

// What an exchange for the profile needs besides its state, the client's secret included.
Result<ExchangeRequest> exchange_request(const Refresher& refresher, const Profile& profile);

// Result: also if the refresh itself failed, or had no provider. Failure: of runtime_dir; nothing was
// attempted.
Result<RefreshOutcome> refresh_profile(const Refresher& refresher, const Profile& profile,
                                       RefreshOptions options);

// Publishes and delivers what another host's exchange has reported. `shadowed_by`: Provider::shadowed_by.
// Failure: of runtime_dir.
Result<RefreshOutcome> publish_obtained(const Refresher& refresher, const Profile& profile,
                                        ExchangeReport report, const std::vector<std::string>& shadowed_by);

// Failure: the token that is published does not live for `min_ttl` from `now`, and why.
Result<void> check_lifetime(const RefreshOutcome& outcome, Milliseconds min_ttl, Time now);

}  // namespace oci_oauth
