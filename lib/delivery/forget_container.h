// SPDX-License-Identifier: Apache-2.0
// Cleans up after a container that has ended: removes what we wrote for it, and its record.
#pragma once

#include "base/result.h"
#include "delivery/container_ledger.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// `all`: the records with a written directory, whether or not that of `entry` is among them. If a running
// container among them has the same directory, the files stay. The caller holds the ledger's lock. Failure:
// something of ours could not be removed, and why; the record stays, so that the next sweep tries again.
Result<void> forget_container(const RuntimeDir& runtime, const ContainerLedger& ledger,
                              const ContainerLedger::Entry& entry, const std::vector<ContainerRecord>& all);

}  // namespace oci_oauth
