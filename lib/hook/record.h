// SPDX-License-Identifier: Apache-2.0
// Fourth step: what is to be delivered is on record before the container has any of it, so that whoever
// refreshes, mends or sweeps finds it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "delivery/written_directory.h"
#include "hook/creation.h"
#include "hook/prepare.h"

namespace oci_oauth {

// What is on record for this container before this call.
struct Earlier {
  ContainerLedger::Place place;
  // Of earlier calls of the hook for this very process: engines call it once for each CDI device, and once
  // more where there is a hook file.
  std::vector<DeliveryRecord> deliveries;
  bool has_left_files = false;  // the container's life before a restart, whose files nobody has removed
};
Earlier find_earlier(const Creation& creation);
bool is_delivered(const Earlier& earlier, const Chosen& chosen);

struct Recorded {
  Prepared prepared;  // of a failed_record() nothing but what was chosen
  DeliveryRecord record;
  // Consent write: what is written, and what may be replaced.
  Share share = {};
  WrittenDirectory::Knowledge knowledge = {};
};

// Held from the records to the last written byte; empty where nothing is written. Failure: another process
// holds it for longer than a container can wait.
Result<std::optional<FileLock>> lock_ledger(const Creation& creation, const Earlier& earlier,
                                            const std::vector<Prepared>& prepared);

// Failure: the provider cannot be read, or the target cannot be looked at.
Result<Recorded> record(const Creation& creation, Prepared prepared);

// What is noted of a delivery that one of the steps before failed for, so that `oci-oauth status` tells why.
Recorded failed_record(const Creation& creation, const Chosen& chosen, const Error& error);

// Writes all of them down beside those of earlier calls, and cleans up after the container's life before a
// restart. Failure: nothing may be written for the container.
Result<void> save(const Creation& creation, const Earlier& earlier, const std::vector<Recorded>& recorded);

}  // namespace oci_oauth
