// SPDX-License-Identifier: Apache-2.0
// The credential document on disk, with its journal. A received refresh token is on disk at every moment, and
// nothing is rotated before it is proven that the answer can be stored.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "exchange/credential_document.h"
#include "exchange/journal.h"
#include "token/records.h"

namespace oci_oauth {

// True if `text` is what an interrupted write of `new_text` over `old_text` leaves: each byte comes from one
// of the two. If the tokens of both have the same length, such a text may well be valid JSON.
bool is_torn(std::string_view text, std::string_view old_text, std::string_view new_text);

// Gives the file `to`, which is empty and new, the owner, group, mode and POSIX access control list (acl(5))
// of the file `from`, as far as the caller may. If the group or the list cannot be kept, group and others
// lose their permissions, so that access never widens. Failure: "SHOWN: fchmod: reason".
Result<void> keep_access(int from, int to, const std::string& shown);

// Whether there must be a document.
enum class Document { required, created };

// A document has one exchange at a time: its journal is locked from open() until the object is destroyed.
// `entry`: which login of it.
class LoginStore {
 public:
  // Follows symbolic links in `path` to the real file; the caller runs as the login's owner. Failure:
  // not_found, temporary if another process holds the lock beyond `deadline`, or the directory cannot be
  // written to.
  static Result<LoginStore> open(const std::string& path, SteadyTime deadline,
                                 Document document = Document::required, const std::string& entry = "");

  int directory_fd() const { return directory_.get(); }
  const std::string& directory() const { return directory_path_; }  // real path
  const std::string& name() const { return name_; }                 // of the document
  const std::string& shown() const { return shown_; }               // real path of the document

  struct Content {
    Secret text;
    FileStamp stamp;
  };
  // Failure: "PATH: reason" for anything but a regular file of at most 4 MiB.
  Result<Content> read() const;
  // The same, parsed.
  Result<CredentialDocument> read(const CredentialFields& fields) const;
  // Failure: temporary if the document is not the one with this stamp; another kind if this cannot be
  // determined.
  Result<void> check_unchanged(const FileStamp& stamp) const;

  // Proves that `size` bytes can be stored: a temporary file with the right owner and mode, and the journal,
  // are both reserved on the disk and synced. Failure: says which of them cannot be written and why; nothing
  // has changed.
  Result<void> prepare(size_t size);

  // Makes `document` the credential document, durably; users who cannot read the old one cannot read the new
  // one. In place if rename(2) fails. A new one has mode 0600, and does not replace one that appeared in the
  // meantime. Result: its stamp.
  Result<FileStamp> replace(const Secret& document);
  // Removes the document, durably, and the journal.
  Result<void> remove();
  Journal& journal() { return journal_; }

 private:
  LoginStore(Journal journal, UniqueFd directory, std::string directory_path, std::string name,
             Document document);

  bool is_new() const;
  Result<void> check_replaceable(size_t size);
  Result<void> stage(size_t size);
  Result<FileStamp> rewrite_in_place(const Secret& document);

  UniqueFd directory_;
  Journal journal_;  // in that directory
  std::string directory_path_, name_, shown_;
  std::optional<AtomicFile> staged_;
  Document document_;
  bool creates_ = false;     // with staged_
  bool is_mounted_ = false;  // by itself, so that it is rewritten in place
};

}  // namespace oci_oauth
