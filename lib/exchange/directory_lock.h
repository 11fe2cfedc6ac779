// SPDX-License-Identifier: Apache-2.0
// Locks that other programs take as directories (mkdir(2) is the acquisition, as npm's proper-lockfile does):
// taken in order, touched while held, given back on every way out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "config/provider.h"

namespace oci_oauth {

// Names one directory for good: an inode number may be used again, its birth time (statx(2)) may not.
struct DirectoryIdentity {
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::int64_t born_ns = 0;  // 0: the file system keeps none
  friend bool operator==(const DirectoryIdentity&, const DirectoryIdentity&) = default;
};

// Told of each lock just before it is taken, so that a run that is killed can be tidied up after.
using LockNotice = std::function<Result<void>(const DirectoryIdentity&)>;

// How locks are taken; the same words tidy up after a run that was killed.
struct LockManner {
  // In the names of what is made beside a lock; whoever may ask for the same lock at the same time has
  // another.
  std::string mark;
  // Where it is written down who holds the locks (lock_owner.h); empty: nowhere.
  std::string owner_record;
};

class DirectoryLocks {
 public:
  static constexpr Milliseconds touch_every = std::chrono::seconds(5);

  // Takes `locks` in order. A lock is stale when its mtime is older than its stale_after or more than 5 s in
  // the future (proper-lockfile rounds up to seconds), and is then replaced, whatever it is; so is one whose
  // holder, by the manner's owner record, is gone. On contention for a later one the earlier ones are given
  // back. Waits until `deadline`, woken by inotify(7) (and at the moment a lock would turn stale); `stop` is
  // asked at each wake. A lock whose parent this user cannot write is passed over: none of the user's
  // programs can take it. Failure: temporary, naming the lock and its age; another where a directory cannot
  // be made, a stale lock cannot be removed, or `notice` fails.
  static Result<DirectoryLocks> acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline,
                                        const std::function<bool()>& stop, const LockNotice& notice = {},
                                        const LockManner& manner = {});

  DirectoryLocks(DirectoryLocks&&) = default;
  DirectoryLocks& operator=(DirectoryLocks&&) = delete;
  ~DirectoryLocks();

  // Touches the locks. Failure: temporary where another program took one over; another, with the lock and the
  // reason, where one cannot be touched.
  Result<void> touch(SteadyTime now);
  // The same, but only if touch_every has passed since the last time.
  Result<void> keep_alive(SteadyTime now) {
    return now - touched_ < touch_every ? Result<void>() : touch(now);
  }
  std::vector<DirectoryIdentity> identities() const { return held_; }
  // The locks that were passed over, each as a message.
  const std::vector<std::string>& passed_over() const { return passed_over_; }

 private:
  DirectoryLocks() = default;
  void record_owner(const std::string& path);
  void remove_record() const;

  std::vector<DirectoryIdentity> held_;
  std::vector<std::string> passed_over_;
  std::string record_path_, record_;
  SteadyTime touched_;
};

// Removes a lock directory of an earlier run of ours that was killed, whether or not it came to be the lock,
// and what that run left beside it; leaves one with another identity alone, and one without a birth time.
void remove_left_behind(const DirectoryIdentity& lock, const LockManner& manner = {});

}  // namespace oci_oauth
