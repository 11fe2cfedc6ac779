// SPDX-License-Identifier: Apache-2.0
// Fourth step: what is to be delivered is on record before the container has any of it, so that whoever
// refreshes, mends or sweeps finds it.
#pragma once

#include <vector>

#include "base/result.h"
#include "creation.h"
#include "prepare.h"

namespace oci_oauth {

// The record that an earlier call of the hook made for this container; empty where there was none. Engines
// call the hook once for each CDI device, and once more where there is a hook file.
std::vector<DeliveryRecord> recorded_earlier(const Creation& creation);
bool is_recorded(const std::vector<DeliveryRecord>& records, const Chosen& chosen);

struct Recorded {
  Prepared prepared;
  DeliveryRecord record;
};

// Failure: the target cannot be looked at.
Result<Recorded> record(const Creation& creation, Prepared prepared);

// Writes all of them down beside those of earlier calls. Failure: nothing may be written for the container.
Result<void> save(const Creation& creation, const std::vector<DeliveryRecord>& earlier,
                  const std::vector<Recorded>& recorded);

}  // namespace oci_oauth
