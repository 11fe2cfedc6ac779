// SPDX-License-Identifier: Apache-2.0
// The directory that the refresher and the hook share (default /run/oci-oauth, mode 0700):
//   share/NAME/        what containers mount: access tokens only; created once, never replaced
//   profiles/NAME.json what the hook needs for its decision (Published, records.h)
//   refreshes/NAME.json what refreshes remember (RefreshHistory); created when a refresher first needs it
//   profiles/NAME.config a symbolic link to the configuration that contains the profile
//   containers/ID.json what each container was given (delivery/container_ledger.h)
//   containers.position  where the next sweep goes on in containers/
//   written/ID         an empty file for each container with a written directory
//   refresh.sock       where `oci-oauth serve` answers, if systemd listens there
//   proxy.sock         where `oci-oauth-proxy` takes containers' sockets (delivery/proxy_client.h)
//   sinks/             what each sink has (sinks/sinks.h); created when a refresher first needs it
//   follower.json      what the program that follows a fleet's store has to tell (FollowerState)
//   locks/NAME         held while a refresh of the profile is running
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "token/records.h"

namespace oci_oauth {

// Where `share/` is stored: in memory, or on a disk, which a person should know about.
enum class ShareStorage { memory, disk };

// What earlier refreshes have left of a profile's records.
struct KnownProfile {
  ProfileRecords records = {};     // what could not be read is as in a new record
  bool is_whole = false;           // both could be read
  std::vector<Error> damage = {};  // why a file was ignored
};

class RuntimeDir {
 public:
  // Creates what is missing, locks/ last: if that exists, all do. If share/ is new and the caller is host
  // root in the host's mount namespace, mounts a small tmpfs on it (nosuid, nodev, noexec) before anybody
  // uses it: one process creates it, and the others wait. Failure: the directory belongs to somebody else or
  // others can write to it; temporary if its creator does not finish within seconds; names the path and the
  // call.
  static Result<RuntimeDir> open(const std::string& path);

  // For readers: changes nothing. Result: nullopt if it does not exist yet. Failure: as open(); if it belongs
  // to another user, the hint says which.
  static Result<std::optional<RuntimeDir>> open_existing(const std::string& path);

  const std::string& path() const { return path_; }
  int fd() const { return directory_.get(); }
  ShareStorage share_storage() const;

  // share/NAME, created if missing (mode 0755), open for reading. The descriptor can be used to write and to
  // mount.
  Result<UniqueFd> share(std::string_view profile) const;
  // The same, whether it is there or not.
  FileAt share_directory(std::string_view profile) const { return at("share/" + std::string(profile)); }
  std::string share_path(std::string_view profile) const { return share_directory(profile).shown; }

  // The access token in share/NAME. Failure: there is none.
  Result<Secret> token(std::string_view profile) const;

  // Caches. Result: nullopt if nothing has been published yet, or the file is damaged or of another version;
  // the next refresh replaces it. Failure: it exists and cannot be opened.
  Result<std::optional<Published>> published(std::string_view profile) const;
  Result<std::optional<RefreshHistory>> history(std::string_view profile) const;
  // Both, for a refresh.
  Result<KnownProfile> known(std::string_view profile) const;
  // The history first, and the hook's record last: until that is there, the next refresh does all again.
  Result<void> publish(std::string_view profile, const ProfileRecords& records) const;

  // As the other caches.
  Result<std::optional<FollowerState>> follower() const;
  Result<void> note_follower(const FollowerState& state) const;

  // Records which configuration a profile belongs to, because another configuration may share this directory.
  // It identifies profiles that their configuration does not have any more.
  void note_configuration(std::string_view profile, const std::string& config) const;
  std::vector<std::string> profiles_of(std::string_view config) const;
  // Empties share/NAME and removes the published state. Result: whether there was anything.
  Result<bool> withdraw(std::string_view profile) const;

  FileAt lock_file(std::string_view profile) const { return at("locks/" + std::string(profile)); }
  // Takes the lock that a refresh of the profile holds. Failure: as FileLock::acquire().
  Result<FileLock> lock(std::string_view profile, SteadyTime deadline) const {
    const FileAt file = lock_file(profile);
    return FileLock::acquire(file, LockMode::exclusive, deadline);
  }
  FileAt socket_file() const { return at("refresh.sock"); }
  FileAt proxy_socket() const { return at("proxy.sock"); }
  Result<UniqueFd> sinks() const;  // sinks/, created if missing (mode 0700)

 private:
  explicit RuntimeDir(std::string path) : path_(std::move(path)) {}
  FileAt at(std::string name) const;
  FileAt published_file(std::string_view profile) const {
    return at("profiles/" + std::string(profile) + ".json");
  }
  FileAt history_file(std::string_view profile) const {
    return at("refreshes/" + std::string(profile) + ".json");
  }
  FileAt follower_file() const { return at("follower.json"); }

  std::string path_;
  UniqueFd directory_;
};

// Since when the holder of a profile's lock refreshes: kept as the modification time of the lock's file, by
// the monotonic clock, which does not leap. Hooks that wait for one refresh share its time. Marks the file
// while it lives.
class RefreshMark {
 public:
  explicit RefreshMark(int lock, SteadyTime began = std::chrono::steady_clock::now());
  ~RefreshMark();
  RefreshMark(const RefreshMark&) = delete;
  RefreshMark& operator=(const RefreshMark&) = delete;

 private:
  int lock_;
};

// nullopt: `lock` has no mark, or one of another start of the host. A refresher that was killed has left its
// own, which the next one replaces.
std::optional<SteadyTime> beginning_of_refresh(const FileAt& lock, SteadyTime now);

// Removes the mark of a killed process.
void clear_refresh_mark(int lock);

}  // namespace oci_oauth
