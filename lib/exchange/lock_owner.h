// SPDX-License-Identifier: Apache-2.0
// The record beside a lock that says which process holds it. A Claude Code that waits for the lock and finds
// that process gone takes the lock over at once; without a record it waits until the lock is stale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oci_oauth {

// This process as the holder of locks that were born (statx(2)) then, as JSON in the form of Claude Code 2.1:
// pid, procStart (proc(5), field 22 of stat), pidDomain and pidSpace (machine-id(5), host name and PID
// namespace, where the pid means something), lockBirthtimeMs, legacyLockBirthtimeMs.
std::string lock_owner_record(std::int64_t first_born_ns, std::optional<std::int64_t> second_born_ns);

// `record` is about a lock that was born then.
bool names_lock(std::string_view record, std::int64_t born_ns);

// The same, and the process that holds it, one of this PID namespace and this host, is proven gone.
bool is_abandoned(std::string_view record, std::int64_t born_ns);

}  // namespace oci_oauth
