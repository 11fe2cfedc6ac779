// SPDX-License-Identifier: Apache-2.0
// The records of all containers, one file each in runtime_dir/containers, and the lock that separates writing
// into a container's directory from cleaning it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/container_record.h"

namespace oci_oauth {

// A container cannot wait longer for the holder of the lock.
inline constexpr auto longest_wait_for_ledger = std::chrono::seconds(3);

class ContainerLedger {
 public:
  // `runtime_directory`: open, and must outlive the ledger. written/ beside containers/ lists the records
  // with a written directory.
  explicit ContainerLedger(int runtime_directory) : directory_(runtime_directory) {}

  // Held from reading the records, or creating one, until the files have been written or removed. Failure:
  // temporary if `deadline` passes first.
  Result<FileLock> lock(SteadyTime deadline) const;

  // The file of a container's record: its `name`, and what is recorded there. Two containers with the same
  // id, which containerd's namespaces allow, have different bundles and different names.
  struct Place {
    std::string name;
    Result<ContainerRecord> record;  // not_found: there is no record
  };
  Place find(const std::string& id, std::string_view bundle) const;
  // The record in the file of that name, which is the id of most containers. Failure: not_found if there is
  // none.
  Result<ContainerRecord> find(const std::string& name) const;

  Result<void> save(const std::string& name, const ContainerRecord& record) const;
  // The same for a record that list_written() has listed.
  Result<void> replace(const std::string& name, const ContainerRecord& record) const;
  void remove(const std::string& name) const;

  struct Entry {
    std::string name;
    ContainerRecord record;
  };
  struct Listing {
    std::vector<Entry> entries;
    std::vector<Error> unreadable;  // damaged, or of a newer version: these are not used

    std::vector<ContainerRecord> records() const;
  };
  Result<Listing> list() const;
  // The records with a written directory; the cost does not grow with the number of other records.
  Result<Listing> list_written() const;
  bool has_written() const;

  // The files in containers/ in turns, `most` at a time: every one is reached, and a call costs the same for
  // any number of them. Also removes temporary files, and notes in written/, of writers that were killed
  // while saving a record: those older than a minute, because saving never takes that long. The caller holds
  // the lock.
  Result<Listing> next_in_turn(size_t most, Time now) const;

 private:
  void remove_leftovers(const std::vector<std::string>& files, Time now) const;
  Result<Listing> load_all(const std::vector<std::string>& names) const;

  int directory_;
};

}  // namespace oci_oauth
