// SPDX-License-Identifier: Apache-2.0
// Fourth step: records what will be delivered before the container has any of it, so that a later refresh or
// sweep finds it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "delivery/written_directory.h"
#include "hook/create_context.h"
#include "hook/prepare.h"

namespace oci_oauth {

// What is recorded for this container from before this call.
struct Earlier {
  ContainerLedger::Place place;
  // From earlier calls of the hook for this very process: engines run it once for each CDI device, and once
  // more if there is a hook file.
  std::vector<DeliveryRecord> deliveries;
  bool has_left_files = false;  // the container's life before a restart, whose files have not been removed
};
Earlier find_earlier(const CreateContext& context);
bool is_delivered(const Earlier& earlier, const Chosen& chosen);

struct Recorded {
  Prepared prepared;  // from failed_record() only what was chosen
  DeliveryRecord record;
  // For Consent::write: what is written, and what may be replaced.
  Share share = {};
  WrittenDirectory::Knowledge knowledge = {};
};

// Held from reading the records to the last written byte; empty if nothing is written. Failure: another
// process holds it for longer than a container can wait.
Result<std::optional<FileLock>> lock_ledger(const CreateContext& context, const Earlier& earlier,
                                            const std::vector<Prepared>& prepared);

// Failure: the provider cannot be read, or the target cannot be examined.
Result<Recorded> record(const CreateContext& context, Prepared prepared);

// The record of a delivery that failed in an earlier step, so that `oci-oauth status` can say why.
Recorded failed_record(const CreateContext& context, const Chosen& chosen, const Error& error);

// Saves all of them beside those of earlier calls, and cleans up after the container's life before a restart.
// Failure: nothing may be written for the container.
Result<void> save(const CreateContext& context, const Earlier& earlier,
                  const std::vector<Recorded>& recorded);

}  // namespace oci_oauth
