// SPDX-License-Identifier: Apache-2.0
// What a power cut may leave of a directory on a journalling file system, from a record of what a program did
// there. The model is docs/failures.md's: what was synced is there; of what was not, each file's content is
// old, new, torn or zeros, and each change of names is there or lost, one without the other.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace oci_oauth::test {

// A directory's files as every process sees them.
struct Snapshot {
  std::map<std::string, ino_t> names;
  std::map<ino_t, std::string> contents;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// Regular files only, without those in whose name is ".lock".
Snapshot look_at_directory(const std::string& path);

// What one call did.
struct DiskStep {
  Snapshot after;
  std::optional<ino_t> synced;  // fsync(2), fdatasync(2) of this file
  bool names_synced = false;    // fsync(2) of the directory
  std::string call;             // for messages
};

// Content by name: what the next run finds.
using DiskState = std::map<std::string, std::string>;

// Every state that a power cut right after steps[last] may leave. steps[0] is what was on the disk before.
std::set<DiskState> states_after(const std::vector<DiskStep>& steps, size_t last);

}  // namespace oci_oauth::test
