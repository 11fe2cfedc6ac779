// SPDX-License-Identifier: Apache-2.0
// A directory that a person bind-mounted into a container and that we write to. Only this class opens,
// examines, writes and cleans it, only while it is the same directory, and never at the expense of a file
// that somebody else wrote.
#pragma once

#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "delivery/container_ledger.h"
#include "delivery/document.h"
#include "delivery/examined_file.h"
#include "token/records.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// What we are known to have written into the directory of `delivery`, according to `records`.
Fingerprints known_fingerprints(const std::vector<ContainerRecord>& records, const DeliveryRecord& delivery);

// Whether users of the host other than the owner can reach the files in `directory`: others can search it and
// all its parents.
bool is_open_to_others(int directory);

class WrittenDirectory {
 public:
  // Opens the directory by the host's path. If that is another directory or read-only here, opens it as the
  // running container sees it, or as the host's first process does. Failure: not_found if it is gone, or
  // another directory has its name. `delivery` must outlive the result.
  static Result<WrittenDirectory> open(const DeliveryRecord& delivery, const ProcessId& container,
                                       const std::string& shown);
  // The same for a directory that is already open.
  WrittenDirectory(UniqueFd directory, const DeliveryRecord& delivery, const ProcessId& container,
                   std::string shown);

  int fd() const { return directory_.get(); }

  struct Knowledge {
    FileStamp login;     // the credential document, which is never opened
    Fingerprints known;  // known_fingerprints()
  };

  // Each of these runs in the user namespace in which the record's ids are valid.

  // Success: the published files are in place. Failure: not_found if one is missing or contains an older
  // token, which deliver() fixes; failed if a name belongs to somebody else or cannot be examined.
  Result<void> look(const Share& share, const Knowledge& knowledge) const;
  // Puts the published files in place, and removes the temporary files of killed writers: the caller holds
  // the ledger's lock. Nothing is written if one of the names belongs to somebody else. In a document that
  // others write to as well, only our member changes, and the owner and mode stay.
  Result<void> deliver(const Share& share, const Knowledge& knowledge) const;
  // Removes what is still as we wrote it, our member in documents, and the temporary files of killed writers.
  // Failure: some of it is still there, and why.
  Result<void> clean(const Knowledge& knowledge) const;
  // The record's files, marked which of them exist and are not ours.
  std::vector<WrittenFile> files_as_found(const Knowledge& knowledge) const;

 private:
  struct Step;
  std::vector<Step> examine(const Share* share, const Knowledge& knowledge) const;
  static bool comes_again(const std::vector<Step>& steps, size_t index);
  Result<void> refuse_foreign(const std::vector<Step>& steps) const;
  Result<void> deliver_once(const Share& share, const Knowledge& knowledge) const;
  Result<void> write(const Step& step) const;
  Result<void> replace(const Step& step, const Secret& text, const FileAccess& access,
                       const std::string& mark) const;
  Result<void> clean_names(const Knowledge& knowledge) const;
  Result<void> take_out(const Step& step) const;
  enum class Spare { only, and_others };
  void clean_temporaries(const Knowledge& knowledge, Spare which) const;
  bool is_spare(const std::string& temporary, const WrittenFile& file, const Knowledge& knowledge) const;
  bool is_share(const Share& share) const;
  Result<void> inside(const auto& action) const;

  UniqueFd directory_;
  const DeliveryRecord* delivery_;
  ProcessId container_;
  std::string shown_;
};

// Cleans up after a container that has ended: removes what we wrote for it, and its record, as the ledger has
// read it.
// `all`: the records with a written directory, whether or not `record` is among them. If a running
// container among them has the same directory, the files stay. The caller holds the ledger's lock. Failure:
// something of ours could not be removed, and why; the record stays, so that the next sweep tries again.
Result<void> forget_container(const RuntimeDir& runtime, const ContainerRecord& record,
                              const std::vector<ContainerRecord>& all);

}  // namespace oci_oauth
