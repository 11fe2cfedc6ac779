// SPDX-License-Identifier: Apache-2.0
// Cleans up after a container that has ended: what we wrote for it, and its record.
#pragma once

#include "base/result.h"
#include "delivery/container_ledger.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// `all`: the records with a written directory, that of `entry` too or not; a directory that a running
// container of them has keeps its files. The caller holds the ledger's lock. Failure: something of ours could
// not be removed, and why; the record stays, so that the next sweep tries again.
Result<void> forget_container(const RuntimeDir& runtime, const ContainerLedger& ledger,
                              const ContainerLedger::Entry& entry, const std::vector<ContainerRecord>& all);

}  // namespace oci_oauth
