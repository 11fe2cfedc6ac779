// SPDX-License-Identifier: Apache-2.0
// What a refresh notes beside the credential document, so that a kill or a power cut takes nothing away: its
// locks, that a request is about to be sent, and the answer. One journal for each document, locked (flock(2))
// while it is open: one exchange at a time for a login, whoever asks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "exchange/credential_document.h"
#include "exchange/directory_lock.h"

namespace oci_oauth {

// The journal of a document, in the same directory.
std::string journal_name(std::string_view document);
// One that all documents of a directory share: written by older versions, and only taken over.
inline constexpr const char* shared_journal_name = ".oci-oauth.journal";

// What an earlier run noted.
struct JournalEntry {
  std::vector<DirectoryIdentity> locks;  // taken, or about to be
  std::string refresh_token_hash;        // of the refresh token that was sent; empty: none was
  Time began_at;
  std::optional<Grant> grant;  // empty: no answer was noted
  Secret old_text, new_text;   // of a document that was being rewritten in place; else empty
};

class Journal {
 public:
  // `directory` must outlive the journal. Failure: temporary where another process holds the lock beyond
  // `deadline`; a journal that is not a regular file, or cannot be opened or made.
  static Result<Journal> open(int directory, const std::string& directory_path, const std::string& document,
                              SteadyTime deadline);

  const std::string& shown() const { return shown_; }

  // Reserves room for `size` bytes of notes on the disk, and syncs.
  Result<void> reserve(size_t size);

  // A lock that is about to be taken; survives a kill, not a power cut.
  Result<void> note_lock(const DirectoryIdentity& lock);
  // The fence: durable before anything is sent.
  Result<void> note_request(const std::string& refresh_token_hash, Time at);
  // The answer to that request: durable when this returns.
  Result<void> note_grant(const std::string& refresh_token_hash, Time began_at, const Grant& grant);
  // A document that is about to be rewritten in place: durable when this returns.
  Result<void> note_rewrite(const Secret& old_text, const Secret& new_text);

  // Result: what earlier runs noted of this document; nullopt: nothing. Damage costs the line that it is in.
  // Failure: notes of a newer version, which this one must not throw away.
  Result<std::optional<JournalEntry>> replay();
  // Moves the notes of a shared journal here, durably, where `is_ours` says that they are of this document;
  // such a journal goes, and stays locked as long as this one. Others stay.
  Result<void> take_over_shared(const std::function<bool(const JournalEntry&)>& is_ours, SteadyTime deadline);
  // Forgets the notes, durably: their exchange is complete, or nothing was sent.
  Result<void> clear();

 private:
  Journal(FileLock file, int directory, std::string directory_path, std::string document);

  Result<void> append(Secret line);
  Result<void> sync();
  Result<Secret> read_all(int fd, const std::string& shown);
  Result<void> copy(const JournalEntry& entry);

  FileLock file_;
  std::optional<FileLock> shared_;
  int directory_;
  std::string directory_path_, document_, shown_;
  bool ends_in_half_a_line_ = false;
};

}  // namespace oci_oauth
