// SPDX-License-Identifier: Apache-2.0
// Takes a fleet's access records and publishes them on this host, as a refresh publishes. Nothing is taken
// that no refresher signed, and nothing that is older than what this host had before. The last record is
// kept, sealed as it was, so that containers start after a reboot without the store; after it was published,
// so that no container waits for a disk.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "fleet/record.h"
#include "fleet/seal.h"
#include "fleet/store.h"
#include "follower/store_watch.h"
#include "program/log.h"
#include "refresh/refresher.h"

namespace oci_oauth {

class Follower {
 public:
  // `refresher`, whose exchange is not used, `config` and `log` outlive it. `kept`: the directory of
  // the last records, created if missing (mode 0700).
  static Result<Follower> open(const Config& config, const Refresher& refresher, FleetKeys keys,
                               const std::string& kept, const Log& log);

  // Publishes the records that were kept, each unless this host has its token.
  void publish_kept();

  // Takes a record of the store, its removal, or that the connection is there or was lost: status tells the
  // latter. What is refused, and why, is in the log, once, and so is the same loss while it comes again and
  // again. Result: false if something is wrong that other keys or another certificate may mend.
  bool take(const StoreNews& news);

 private:
  struct Known {
    std::optional<AccessRecord> record;  // the newest one that was published
    bool is_kept = false;                // it is on the disk too
    std::string refused;                 // the version of the last one that was not accepted
    std::optional<Provider> provider;
  };
  enum class Keep { no, yes };

  Follower(const Config& config, const Refresher& refresher, FleetKeys keys, UniqueFd kept, std::string shown,
           const Log& log)
      : config_(config),
        refresher_(refresher),
        keys_(std::move(keys)),
        kept_(std::move(kept)),
        shown_(std::move(shown)),
        log_(log) {}

  bool take_change(const KeyChange& change);
  void note_connected();
  void note_lost(const std::string& why);
  void tell_status() const;
  Result<AccessRecord> check(const Profile& profile, const Known& known, const std::string& bytes);
  Result<void> accept(const Profile& profile, Known& known, AccessRecord record, const std::string& bytes,
                      Keep keep);
  Result<void> publish(const Profile& profile, Known& known, const AccessRecord& record, Keep keep) const;
  bool has_it(const Profile& profile, const LoginSnapshot& login, Keep keep) const;
  Result<void> store(const std::string& name, const std::string& bytes) const;

  const Config& config_;
  const Refresher& refresher_;
  FleetKeys keys_;
  UniqueFd kept_;
  std::string shown_;
  const Log& log_;
  std::map<std::string, Known> known_;  // by profile
  FollowerState state_;
  std::string told_;  // the last loss
};

}  // namespace oci_oauth
