// SPDX-License-Identifier: Apache-2.0
// The directory that the refresher and the hook share (default /run/oci-oauth, mode 0700):
//   share/NAME/        what containers mount: access tokens only; created once, never replaced
//   profiles/NAME.json what the hook needs for its decision (published.h)
//   profiles/NAME.config a symbolic link to the configuration that contains the profile
//   containers/ID.json what each container was given (delivery/container_record.h)
//   written/ID         an empty file for each container with a written directory
//   refresh.sock       where `oci-oauth serve` answers, if systemd listens there
//   sinks/             what each sink has (sinks/sinks.h); created when a refresher first needs it
//   locks/NAME         held while a refresh of the profile is running
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "token/published.h"

namespace oci_oauth {

// Where `share/` lives: in memory, or on a disk that a person should know about.
enum class ShareStorage { memory, disk };

class RuntimeDir {
 public:
  // Makes what is missing. Where share/ is new and the caller is host root in the host's mount namespace, a
  // small tmpfs is mounted on it (nosuid, nodev, noexec) before anybody uses it: one process makes it, the
  // others wait. Failure: refused where the directory belongs to somebody else or others may write to it;
  // temporary where its maker does not finish within seconds; names the path and the call.
  static Result<RuntimeDir> open(const std::string& path);

  // For those who only look: makes and changes nothing. Result: nullopt where it is not made yet.
  // Failure: as open(); where it is another user's, the hint says whom to ask.
  static Result<std::optional<RuntimeDir>> open_existing(const std::string& path);

  const std::string& path() const { return path_; }
  ShareStorage share_storage() const;

  // share/NAME, made when missing (mode 0755), open for reading. The descriptor can be written into and
  // mounted.
  Result<UniqueFd> share(std::string_view profile) const;
  std::string share_path(std::string_view profile) const;

  // A cache. Result: nullopt where nothing has been published yet, and where what is there is damaged or of
  // another version; the next refresh writes it anew. Failure: it is there and cannot be opened.
  Result<std::optional<Published>> published(std::string_view profile) const;
  // Why published() takes no notice of what is there; nullopt where it does not have to.
  std::optional<Error> damage_of(std::string_view profile) const;
  Result<void> publish(std::string_view profile, const Published& published) const;

  // Which configuration a profile is of, so that one that it no longer has is known: another configuration
  // may share this directory.
  void note_configuration(std::string_view profile, const std::string& config) const;
  std::vector<std::string> profiles_of(std::string_view config) const;
  // Empties share/NAME and forgets what was published. Result: whether there was anything.
  Result<bool> withdraw(std::string_view profile) const;

  FileAt lock_file(std::string_view profile) const;  // locks/NAME
  FileAt socket_file() const;                        // refresh.sock
  UniqueFd containers() const;                       // containers/, open for reading
  Result<UniqueFd> sinks() const;                    // sinks/, made when missing (mode 0700)

 private:
  explicit RuntimeDir(std::string path) : path_(std::move(path)) {}
  FileAt published_file(std::string_view profile) const;

  std::string path_;
  UniqueFd directory_, share_, profiles_, containers_;
};

}  // namespace oci_oauth
