// SPDX-License-Identifier: Apache-2.0
// A directory that a person bound into a container and that we write into: opened, looked at, written and
// cleaned by this class alone, only while it is the same directory, and never at the cost of a file that
// somebody else wrote there.
#pragma once

#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "delivery/container_record.h"
#include "delivery/document.h"
#include "delivery/planted_file.h"
#include "delivery/share.h"
#include "token/published.h"

namespace oci_oauth {

// Result: `source` as O_PATH. Failure: not_found where it is gone, or another directory has its name
// (device and inode differ).
Result<UniqueFd> open_same_directory(const std::string& source, std::uint64_t device, std::uint64_t inode);

// What we are known to have written into the directory of `delivery`, by any of `records`.
Fingerprints known_fingerprints(const std::vector<ContainerRecord>& records, const DeliveryRecord& delivery);

// Whether users of the host other than the owner can reach what is in `directory`: it and all that lead to it
// can be searched by others.
bool is_open_to_others(int directory);

class WrittenDirectory {
 public:
  // By the host's path; where that does not lead there, or is read-only here, as the container has it while
  // it runs, or as the host's first process does. Failure: as open_same_directory(). `delivery` must outlive
  // the result.
  static Result<WrittenDirectory> open(const DeliveryRecord& delivery, const ProcessId& container,
                                       const std::string& shown);
  // The same of a directory that is open already.
  WrittenDirectory(UniqueFd directory, const DeliveryRecord& delivery, const ProcessId& container,
                   std::string shown);

  int fd() const { return directory_.get(); }

  struct Knowledge {
    FileStamp login;     // the credential document is never looked into
    Fingerprints known;  // known_fingerprints()
  };

  // Each of these acts in the user namespace that the record's ids are of.

  // Success: what is published is there. Failure: not_found where a name holds less, or an older token, which
  // deliver() mends; failed where it holds somebody else's, or cannot be looked at.
  Result<void> look(const Share& share, const Knowledge& knowledge) const;
  // Makes it so, and removes what a writer that was killed has left: the caller holds the ledger's lock.
  // Nothing is written where one of the names holds somebody else's. In a document that others write too,
  // only our member changes, and its owner and mode stay.
  Result<void> deliver(const Share& share, const Knowledge& knowledge) const;
  // Removes what still is as we wrote it, our member of documents, and what a writer that was killed has
  // left. Failure: some of it is still there, and why.
  Result<void> clean(const Knowledge& knowledge) const;
  // Notes in `files` which of them hold something of somebody else's already.
  void note_what_was_there(std::vector<WrittenFile>& files, const Knowledge& knowledge) const;

 private:
  struct Step;
  std::vector<Step> examine(const Share* share, const Knowledge& knowledge) const;
  Result<void> refuse_foreign(const std::vector<Step>& steps) const;
  Result<void> deliver_once(const Share& share, const Knowledge& knowledge) const;
  Result<void> write(const Step& step) const;
  Result<void> clean_names(const Knowledge& knowledge) const;
  Result<void> take_out(const Step& step) const;
  enum class Spare { only, and_others };
  void clean_temporaries(const Knowledge& knowledge, Spare which) const;
  bool is_spare(const std::string& temporary, const WrittenFile& file, const Knowledge& knowledge) const;
  bool is_share(const Share& share) const;
  template <class Action>
  Result<void> inside(const Action& action) const;

  UniqueFd directory_;
  const DeliveryRecord* delivery_;
  ProcessId container_;
  std::string shown_;
  FileAccess access_;
};

}  // namespace oci_oauth
