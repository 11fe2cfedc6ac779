// SPDX-License-Identifier: Apache-2.0
// What a refresh records beside the credential document, so that a kill or a power failure loses nothing: its
// locks, that a request is about to be sent, and the answer. Each document has one journal, locked (flock(2))
// while it is open, so that a document has one exchange at a time. One with several logins has the records of
// all in it, and each login reads and discards its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/record.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "exchange/directory_lock.h"
#include "exchange/token_answer.h"
#include "fleet/step.h"

namespace oci_oauth {

// The journal of a document, in the same directory.
std::string journal_name(std::string_view document);

// A line, with one of five records: a lock that is taken, a request that is about to be sent, its answer
// (with the content of the request's record, so that it is usable even if that is damaged), a document that
// is about to be rewritten in place, or that the login's earlier records are discarded. For a login in a
// fleet's store, what is about to be sent is noted as a rotation (fleet/step.h).
struct JournalLine {
  static constexpr int version = 1;
  static constexpr bool accepts(std::int64_t) { return true; }  // decided by the reader of the lines

  std::string document = {};
  std::string entry = {};  // which login of it (config.h)
  DirectoryIdentity lock = {};
  std::string refresh_token_hash = {};
  Time began_at = {};
  Grant grant = {};
  Secret old_text = {}, new_text = {};
  bool is_end = false;
  std::optional<RotationNote> rotation = {};
};

void describe(auto& each, RecordOf<JournalLine> auto& line) {
  each("document", line.document);
  each("entry", line.entry);
  each("lock", line.lock.path);
  if (!line.lock.path.empty()) {
    each("device", line.lock.device, Presence::required);
    each("inode", line.lock.inode, Presence::required);
    each("born_ns", line.lock.born_ns);
  }
  each("refresh_token_hash", line.refresh_token_hash);
  each("began_at", line.began_at);
  each("access_token", line.grant.access_token);
  if (!line.grant.access_token.empty()) {
    each("refresh_token", line.grant.refresh_token, Presence::required);
    each("expires_at", line.grant.expires_at, Presence::required);
    each("login_expires_at", line.grant.login_expires_at);
    each("scopes", line.grant.scopes);
    each("values", line.grant.values);
  }
  each("old_text", line.old_text);
  each("new_text", line.new_text);
  each("end", line.is_end);
  each("rotation", line.rotation);
}

// The records of an earlier run.
struct JournalEntry {
  std::vector<DirectoryIdentity> locks;  // taken, or about to be
  std::string refresh_token_hash;        // of the refresh token that was sent; empty: none was sent
  Time began_at;
  std::optional<Grant> grant;            // empty: no answer is recorded
  Secret old_text, new_text;             // of a document that was being rewritten in place; otherwise empty
  std::optional<RotationNote> rotation;  // the last one; empty: none of a fleet's login
};

// Whose notes: a login of a document.
struct JournalSubject {
  std::string document, entry = {};
};

// The notes of `subject` in a journal's text; a document that is being rewritten concerns all its logins.
// Damage costs the line that it is in. Failure: there are notes of a newer version.
Result<JournalEntry> read_notes(std::string_view text, const JournalSubject& subject,
                                const std::string& shown);

class Journal {
 public:
  // `directory` must outlive the journal. Failure: temporary if another process holds the lock beyond
  // `deadline`; a journal that is not a regular file, or cannot be opened or created.
  static Result<Journal> open(int directory, const std::string& directory_path, const JournalSubject& subject,
                              SteadyTime deadline);

  const std::string& shown() const { return shown_; }

  // Reserves `size` bytes on the disk for records, and syncs.
  Result<void> reserve(size_t size);

  // A lock that is about to be taken; survives a kill, but not a power failure.
  Result<void> note_lock(const DirectoryIdentity& lock);
  // The fence: durable before anything is sent.
  Result<void> note_request(const std::string& refresh_token_hash, Time at);
  // The answer to that request; durable on return.
  Result<void> note_grant(const std::string& refresh_token_hash, Time began_at, const Grant& grant);
  // How far the rotation of a fleet's login has come; durable on return.
  Result<void> note_rotation(const RotationNote& note);
  // A document that is about to be rewritten in place; durable on return.
  Result<void> note_rewrite(const Secret& old_text, const Secret& new_text);

  // Result: what earlier runs recorded for this login; nullopt: nothing. A damaged line is skipped.
  // Failure: records of a newer version, which must not be discarded.
  Result<std::optional<JournalEntry>> replay();
  // What other logins of the document have recorded and not discarded, by the name of each. Failure: as
  // replay().
  Result<std::map<std::string, JournalEntry>> others();
  // Discards the records of another login; with the next clear() durably.
  Result<void> discard(const std::string& entry);
  // Discards this login's records, durably: their exchange is complete, or nothing was sent.
  Result<void> clear();

 private:
  Journal(FileLock file, int directory, std::string directory_path, JournalSubject subject, std::string shown)
      : file_(std::move(file)),
        directory_(directory),
        directory_path_(std::move(directory_path)),
        subject_(std::move(subject)),
        shown_(std::move(shown)) {}

  Result<void> append(JournalLine line, const std::string& entry);
  Result<void> append(JournalLine line) { return append(std::move(line), subject_.entry); }
  Result<void> sync();
  Result<Secret> read_all();

  FileLock file_;
  int directory_;
  std::string directory_path_;
  JournalSubject subject_;
  std::string shown_;
  bool ends_in_half_a_line_ = false;
};

}  // namespace oci_oauth
