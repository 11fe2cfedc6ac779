// SPDX-License-Identifier: Apache-2.0
// Locks that other programs take as directories (mkdir(2) takes the lock, as in npm's proper-lockfile), or as
// leases (files that O_EXCL creates): taken in order, touched while held, and released on every exit path.
// The record beside a lock says which process holds it. If that process is gone, a Claude Code that waits for
// the lock takes it over at once; without a record it waits until the lock is stale.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "config/provider.h"

namespace oci_oauth {

// Identifies such a lock permanently: an inode number may be used again, its birth time (statx(2)) may not.
struct DirectoryIdentity {
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::int64_t born_ns = 0;  // 0: the file system does not record it
  friend bool operator==(const DirectoryIdentity&, const DirectoryIdentity&) = default;
};

// Called just before each lock is taken, so that what a killed run leaves can be removed.
using LockNotice = std::function<Result<void>(const DirectoryIdentity&)>;

// How locks are taken; the same settings clean up after a killed run.
struct LockManner {
  // Part of the names of what is created beside a lock; programs that may compete for a lock use different
  // marks.
  std::string mark;
  // The file in which the holder of the locks is recorded; empty: none.
  std::string owner_record;
};

class DirectoryLocks {
 public:
  // Takes `locks` in order. A lock is stale if its mtime is older than its stale_after or more than 5 s in
  // the future (proper-lockfile rounds up to seconds), or if its holder, according to the owner record, is
  // gone; it is then replaced, whatever it is. If a later lock is taken by somebody else, the earlier ones
  // are released. Waits until `deadline`, woken by inotify(7) (and when a lock becomes stale); calls `stop`
  // at each wake. Creates a parent that is missing. Skips a lock whose parent this user cannot write to,
  // because none of the user's programs can take it. Failure: temporary, with the lock and its age; another
  // kind if a lock cannot be created, a stale one cannot be removed, or `notice` fails.
  static Result<DirectoryLocks> acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline,
                                        const std::function<bool()>& stop, const LockNotice& notice = {},
                                        const LockManner& manner = {});

  DirectoryLocks(DirectoryLocks&&) = default;
  DirectoryLocks& operator=(DirectoryLocks&&) = delete;
  ~DirectoryLocks();

  // Touches the locks. Failure: temporary if another program took one over; another kind, with the lock and
  // the reason, if one cannot be touched.
  Result<void> touch();
  std::vector<DirectoryIdentity> identities() const { return held_; }
  // The skipped locks, each as a message.
  const std::vector<std::string>& passed_over() const { return passed_over_; }

 private:
  DirectoryLocks() = default;
  void record_owner(const std::string& path);

  std::vector<DirectoryIdentity> held_;
  std::vector<std::string> passed_over_;
  std::string record_path_, record_;
};

// Removes the lock of a killed run of ours, whether or not it became the lock, and what that run
// left beside it. Leaves one with another identity, or without a birth time, alone.
void remove_left_behind(const DirectoryIdentity& lock, const LockManner& manner = {});

// This process as the holder of locks with that birth time (statx(2)), as JSON in the format of Claude Code
// 2.1: pid, procStart (proc(5), field 22 of stat), pidDomain and pidSpace (machine-id(5), host name and PID
// namespace, in which the pid is valid), lockBirthtimeMs, legacyLockBirthtimeMs.
std::string lock_owner_record(std::int64_t first_born_ns, std::optional<std::int64_t> second_born_ns);
// `record` belongs to a lock with that birth time.
bool names_lock(std::string_view record, std::int64_t born_ns);
// The same, and the process that holds it, in this PID namespace and on this host, is proven to be gone.
bool is_abandoned(std::string_view record, std::int64_t born_ns);

}  // namespace oci_oauth
