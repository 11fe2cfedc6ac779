// SPDX-License-Identifier: Apache-2.0
// Where a fleet's records are: a store that many hosts see, and that replaces a record only if it still is
// what the writer read. Versions come from the store and are not compared with each other, because a store
// that was restored from a backup may count to the same number again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

// The largest record; a larger value is not one. The store passes it on, so that it can be replaced.
constexpr size_t longest_record = size_t{512} * 1024;

struct Stored {
  std::string bytes;
  std::string version;  // opaque; another one for each value that the key had

  friend bool operator==(const Stored&, const Stored&) = default;
};

// `count`: the engine's own version, which the result's has before its first '-'. It may be that of other
// bytes in a store that was restored from a backup, so what identifies the bytes is in the version too.
Stored counted(std::string_view count, std::string bytes);

enum class Written {
  yes,
  no,      // something else is there
  unknown  // the answer was lost: read again, and never repeat blindly
};

// A key below a prefix, and what it has; nullopt: it was removed.
struct KeyChange {
  std::string key;
  std::optional<Stored> stored;
};

struct Listing {
  std::vector<KeyChange> entries;
  std::string version;  // of the whole, for follow()
};

// What a store says about itself.
struct StoreSight {
  std::string engine, version;  // "etcd", "3.5.16"
  std::optional<Time> time;     // its wall clock, to whole seconds
};

// Failures are temporary: the store cannot be reached, refuses, or answers nonsense. They name each member
// and its reason. A store is used by one thread.
class RecordStore {
 public:
  using Changed = std::function<bool(KeyChange)>;  // false: nobody wants more

  virtual ~RecordStore() = default;

  // Linearizable. Result: nullopt if there is no such record.
  virtual Result<std::optional<Stored>> read(std::string_view key) = 0;

  // Only over exactly these bytes, as they were read; nullopt: only where there is no record. Failure:
  // certainly not written.
  virtual Result<Written> write(std::string_view key, std::string_view bytes,
                                const std::optional<Stored>& expected) = 0;

  // All records whose keys begin with `prefix`. Linearizable.
  virtual Result<Listing> list(std::string_view prefix) = 0;

  // Passes on each change after a listing of the same prefix, those of one key in order, until `changed`
  // returns false or the deadline. Failure: a connection was lost, or the store does not have these changes
  // any more: list again, after a while.
  virtual Result<void> follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                              const Changed& changed) = 0;

  virtual Result<StoreSight> examine() = 0;

  // Waits until the record is another one than `version` (empty: than no record). Result: that, at once if it
  // already is; nullopt at the deadline, or if it was removed. Reads first, because a watch from a version
  // that a restored store has not reached stays silent.
  virtual Result<std::optional<Stored>> wait(std::string_view key, const std::string& version,
                                             SteadyTime deadline);
};

}  // namespace oci_oauth
