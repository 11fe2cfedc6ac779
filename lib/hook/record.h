// SPDX-License-Identifier: Apache-2.0
// Fourth step: records what will be delivered before the container has any of it, so that a later refresh or
// sweep finds it.
#pragma once

#include <optional>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "hook/create_context.h"
#include "hook/delivery.h"

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

// Held from reading the records to the last written byte; empty if nothing is written. Failure: another
// process holds it for longer than a container can wait.
Result<std::optional<FileLock>> lock_ledger(const CreateContext& context, const Earlier& earlier,
                                            const std::vector<Delivery>& deliveries);

// Completes the record of what prepare() opened. Failure: the provider cannot be read, or the target cannot
// be examined.
Result<void> describe(const CreateContext& context, Delivery& delivery);

// Records a failed step, so that `oci-oauth status` can say why. Nothing acts on what is recorded then.
void note_failed_step(const Spec& spec, Delivery& delivery, const Error& error);

// Saves all of them beside those of earlier calls, and cleans up after the container's life before a restart.
// Failure: nothing may be written for the container.
Result<void> save(const CreateContext& context, const Earlier& earlier,
                  const std::vector<Delivery>& deliveries);

}  // namespace oci_oauth
