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
#include "exchange/credential_document.h"
#include "exchange/directory_lock.h"
#include "token/published.h"

namespace oci_oauth {

// What the journal of an earlier run says.
struct JournalEntry {
  std::vector<DirectoryIdentity> locks;  // taken, or about to be
  std::string refresh_token_hash;        // of the refresh token that was sent; empty: none was
  Time began_at;
  std::optional<Grant> grant;  // empty: no answer was stored
  Secret old_text, new_text;   // of a document that was being rewritten in place; else empty
};

// True where `text` is what an interrupted write of `new_text` over `old_text` leaves: each byte is one of
// theirs. Both have tokens of one length, so such a text may well be JSON.
bool is_torn(std::string_view text, std::string_view old_text, std::string_view new_text);

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
  // Failure: temporary where the document is no longer the one with this stamp; another where that cannot be
  // told.
  Result<void> check_unchanged(const FileStamp& stamp) const;

  // Proves that `size` bytes can be stored: a temporary file with the right owner and mode, and the journal,
  // both reserved on the disk and synced. Failure: says which cannot be written and why; nothing has changed.
  Result<void> prepare(size_t size);

  // A lock that is about to be taken; survives a kill, not a power cut.
  Result<void> note_lock(const DirectoryIdentity& lock);
  // The fence: durable before anything is sent.
  Result<void> note_request(const std::string& refresh_token_hash, Time at);
  // The answer: durable when this returns.
  Result<void> note_grant(const Grant& grant);
  // Makes `document` the credential document, durably, and keeps its mode and owner; in place where rename(2)
  // is refused after all. Result: its stamp.
  Result<FileStamp> replace(const Secret& document);
  // Forgets the journal: its exchange is complete, or nothing was sent.
  Result<void> clear_journal();
  // Result: what an earlier run left; nullopt where it left nothing.
  Result<std::optional<JournalEntry>> journal();

 private:
  LoginStore(FileLock journal, UniqueFd directory, std::string directory_path, std::string name);

  Result<void> append_to_journal(const Secret& line);
  Result<void> sync_journal();
  Result<void> check_replaceable(size_t size);
  Result<void> stage(size_t size);
  Result<FileStamp> rewrite_in_place(const Secret& document);
  Result<void> reserve_journal();

  FileLock journal_;
  UniqueFd directory_;
  std::string directory_path_, name_, shown_, journal_shown_;
  std::optional<AtomicFile> staged_;
  Replacement replacement_ = Replacement::rename;
  size_t journal_room_ = 0;  // bytes to reserve
};

}  // namespace oci_oauth
