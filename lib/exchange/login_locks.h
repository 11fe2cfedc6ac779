// SPDX-License-Identifier: Apache-2.0
// The locks of other programs that a provider lists for a login: those that are held during a refresh, and
// those for saving the document.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/time.h"
#include "config/provider.h"
#include "exchange/directory_lock.h"
#include "exchange/login_store.h"

namespace oci_oauth {

// Locks that other programs take as files, with flock(2): the kernel gives them back, however their holder
// ends.
class LockFiles {
 public:
  // Takes `locks`, of kind file, in order; the files stay when the locks are released. Failure: temporary if
  // another program holds one beyond `deadline`; a file that cannot be opened.
  static Result<LockFiles> acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline, Time now);

  // Says again, in those that say it, that we hold them. Failure: temporary if another program replaced one.
  Result<void> touch(Time now);

 private:
  struct Held {
    ProviderLock lock;
    FileLock file;
  };
  std::vector<Held> held_;
};

class LoginLocks {
 public:
  enum class Use { refresh, saving };

  // All arguments must outlive the object. `stop` is called while waiting; `notices` receives what a person
  // should know.
  LoginLocks(const Provider& provider, LoginStore& store, const std::function<bool()>& stop,
             std::vector<std::string>& notices)
      : provider_(provider), store_(store), stop_(stop), notices_(notices) {}

  // The locks of a refresh, each recorded in the journal before it is taken; waits 20 s for who holds one.
  // Failure: as DirectoryLocks::acquire.
  Result<void> take();
  void give_back() { held_.reset(); }
  // Updates the locks; only while they are held. Failure: temporary if another program took one over; another
  // kind, with the lock and the reason, if one cannot be updated.
  Result<void> touch();
  // The same, but only if one of them is due for an update.
  Result<void> keep_alive();

  // Locks of both kinds: the directories were taken first.
  struct Held {
    DirectoryLocks directories;
    LockFiles files;
  };

  // The locks for the last read of the document and its rename. nullopt, with a notice: somebody holds one
  // until it is stale. The document is then saved without it, and the journal is still needed, because it can
  // restore what that program overwrites.
  std::optional<Held> take_for_saving();

  // Removes what a killed run left behind of the locks that it recorded for this use.
  void tidy_up(const std::vector<DirectoryIdentity>& locks, Use use) const;

 private:
  LockManner manner(Use use) const;
  std::string expanded(const std::string& path) const;
  Result<Held> acquire(Use use, SteadyTime deadline, const std::function<bool()>& stop);

  const Provider& provider_;
  LoginStore& store_;
  const std::function<bool()>& stop_;
  std::vector<std::string>& notices_;
  std::optional<Held> held_;
  SteadyTime touched_;
};

}  // namespace oci_oauth
