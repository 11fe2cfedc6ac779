// SPDX-License-Identifier: Apache-2.0
// The locks of other programs that a provider lists for a login: those that are held during a refresh, and
// those for saving the document.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/provider.h"
#include "exchange/directory_lock.h"
#include "exchange/lock_file.h"
#include "exchange/login_store.h"

namespace oci_oauth {

class LoginLocks {
 public:
  // All arguments must outlive the object. `stop` is called while waiting; `notices` receives what a person
  // should know.
  LoginLocks(const Provider& provider, LoginStore& store, const std::function<bool()>& stop,
             std::vector<std::string>& notices)
      : provider_(provider), store_(store), stop_(stop), notices_(notices) {}

  // The locks of a refresh, each recorded in the journal before it is taken. Failure: as
  // DirectoryLocks::acquire.
  Result<void> take(SteadyTime deadline);
  void give_back() { held_.reset(); }
  // Updates the locks; only while they are held. Failure: temporary if another program took one over; another
  // kind, with the lock and the reason, if one cannot be updated.
  Result<void> touch(SteadyTime now);
  // The same, but only if one of them is due for an update.
  Result<void> keep_alive(SteadyTime now);

  // Locks of both kinds: the directories were taken first.
  struct Held {
    DirectoryLocks directories;
    LockFiles files;
  };

  // The locks for the last read of the document and its rename. nullopt, with a notice: somebody holds one
  // until it is stale. The document is then saved without it, and the journal is still needed, because it can
  // restore what that program overwrites.
  std::optional<Held> take_for_saving();

  // Removes what a killed run left behind of the locks that it recorded: of those for saving, or of all
  // others.
  void tidy_up_saving(const std::vector<DirectoryIdentity>& locks) const;
  void tidy_up_rest(const std::vector<DirectoryIdentity>& locks) const;

 private:
  LockManner manner(const std::string& owner_record) const;
  std::string expanded(const std::string& path) const;
  bool is_for_saving(const DirectoryIdentity& lock) const;
  LockNotice notice() const;
  std::vector<ProviderLock> expanded(const std::vector<ProviderLock>& locks) const;
  Result<Held> acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline,
                       const std::function<bool()>& stop, const std::string& owner_record);

  const Provider& provider_;
  LoginStore& store_;
  const std::function<bool()>& stop_;
  std::vector<std::string>& notices_;
  std::optional<Held> held_;
  SteadyTime touched_;
};

}  // namespace oci_oauth
