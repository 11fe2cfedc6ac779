// SPDX-License-Identifier: Apache-2.0
// The record beside a lock that says which process holds it. If that process is gone, a Claude Code that
// waits for the lock takes it over at once; without a record it waits until the lock is stale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oci_oauth {

// This process as the holder of locks with that birth time (statx(2)), as JSON in the format of Claude Code
// 2.1: pid, procStart (proc(5), field 22 of stat), pidDomain and pidSpace (machine-id(5), host name and PID
// namespace, in which the pid is valid), lockBirthtimeMs, legacyLockBirthtimeMs.
std::string lock_owner_record(std::int64_t first_born_ns, std::optional<std::int64_t> second_born_ns);

// `record` belongs to a lock with that birth time.
bool names_lock(std::string_view record, std::int64_t born_ns);

// The same, and the process that holds it, in this PID namespace and on this host, is proven to be gone.
bool is_abandoned(std::string_view record, std::int64_t born_ns);

}  // namespace oci_oauth
