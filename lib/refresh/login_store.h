// SPDX-License-Identifier: Apache-2.0
// The credential document on disk, with our lock and journal beside it. Promises that a refresh token, once
// received, is on disk at every instant, and that nothing is rotated before it is proven that the answer can
// be stored.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "refresh/credential_document.h"
#include "refresh/directory_lock.h"
#include "token/published.h"

namespace oci_oauth {

// What the journal of an earlier run says.
struct JournalEntry {
  std::string refresh_token_hash;  // of the refresh token that was sent
  Time began_at;
  std::optional<Grant> grant;  // empty: no answer was stored
  Secret document;             // all of it, where it was being rewritten in place; else empty
  std::vector<DirectoryIdentity> locks;
};

// How the credential document is replaced: by rename, or, where it is a mount point of its own, in place.
enum class Replacement { rename, in_place };

// One exchange at a time for a login, whoever asks: the journal file ".oci-oauth.journal" beside the document
// is locked (flock(2)) from open() until the end of the object.
class LoginStore {
 public:
  // Follows symbolic links of `path` to the real file; the caller runs as the login's owner. Failure:
  // not_found, temporary where another process holds the lock beyond `deadline`, or the directory cannot be
  // written.
  static Result<LoginStore> open(const std::string& path, SteadyTime deadline);

  const std::string& directory() const { return directory_path_; }  // real path
  const std::string& shown() const { return shown_; }               // real path of the document

  // Failure: "PATH: reason" for anything but a regular file of at most 1 MiB.
  Result<Secret> read(FileStamp& stamp) const;

  // Proves that `size` bytes can be stored: a temporary file with the right owner and mode, and the journal,
  // both reserved on the disk and synced. Failure: says which cannot be written and why; nothing has changed.
  Result<void> prepare(size_t size);

  // The fence: durable before anything is sent.
  Result<void> note_request(const std::string& refresh_token_hash, Time at,
                            const std::vector<DirectoryIdentity>& locks);
  // The answer: durable when this returns.
  Result<void> note_grant(const Grant& grant);
  // Makes `document` the credential document, durably, and keeps its mode and owner. Result: its stamp.
  Result<FileStamp> replace(const Secret& document);
  // Forgets the journal: its exchange is complete, or nothing was sent.
  Result<void> clear_journal();
  // Result: what an earlier run left; nullopt where it left nothing.
  Result<std::optional<JournalEntry>> journal() const;

 private:
  LoginStore(FileLock journal, UniqueFd directory, std::string directory_path, std::string name);

  Result<void> append_to_journal(const Secret& line);
  Result<FileStamp> rewrite_in_place(const Secret& document);
  Result<void> reserve_journal();

  FileLock journal_;
  UniqueFd directory_;
  std::string directory_path_, name_, shown_, journal_shown_;
  std::optional<AtomicFile> staged_;
  Replacement replacement_ = Replacement::rename;
  size_t document_room_ = 0;  // bytes, as prepare() was asked
};

}  // namespace oci_oauth
