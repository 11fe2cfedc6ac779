// SPDX-License-Identifier: Apache-2.0
// The records of all containers, a file each in runtime_dir/containers, and the lock that keeps writing into
// a container's directory and cleaning it apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "delivery/container_record.h"

namespace oci_oauth {

class ContainerLedger {
 public:
  // `directory`: runtime_dir/containers, open for reading. Beside it, runtime_dir/written names the records
  // with a written directory.
  explicit ContainerLedger(UniqueFd directory) : directory_(std::move(directory)) {}

  // Held from a look at the records, or from a new one, until what was written or removed for it is. Failure:
  // temporary where `deadline` passes first.
  Result<FileLock> lock(SteadyTime deadline) const;

  // Where the record of a container is, or goes: its `name`, and what is on record there. Two containers of
  // one id, as containerd's namespaces allow, have different bundles and different names.
  struct Place {
    std::string name;
    Result<ContainerRecord> record;  // not_found: there is none
  };
  Place find(const std::string& id, std::string_view bundle) const;
  // The record of any container of that id. Failure: not_found where there is none.
  Result<ContainerRecord> find(const std::string& id) const;

  Result<void> save(const std::string& name, const ContainerRecord& record) const;
  void remove(const std::string& name) const;
  // Removes what whoever was killed while saving a record has left: it is older than a minute then, and
  // nobody saves for so long. The caller holds the lock.
  void remove_leftovers(Time now) const;

  struct Entry {
    std::string name;
    ContainerRecord record;
  };
  struct Listing {
    std::vector<Entry> entries;
    std::vector<Error> unreadable;  // damaged, or of a version to come: nobody acts on them

    std::vector<ContainerRecord> records() const;
  };
  Result<Listing> list() const;
  // Those that have a written directory; the work does not grow with the number of all others.
  Result<Listing> list_written() const;

 private:
  Result<ContainerRecord> load(const std::string& name) const;
  Result<Listing> load_all(const std::vector<std::string>& names) const;

  UniqueFd directory_;
};

}  // namespace oci_oauth
