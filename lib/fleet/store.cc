// SPDX-License-Identifier: Apache-2.0
#include "fleet/store.h"

#include "base/fmt.h"

namespace oci_oauth {

Stored counted(std::string_view count, std::string bytes) {
  std::string version = fmt::format("{}-{:x}", count, std::hash<std::string>()(bytes));
  return {std::move(bytes), std::move(version)};
}

Result<std::optional<Stored>> RecordStore::wait(std::string_view key, const std::string& version,
                                                SteadyTime deadline) {
  const Listing listing = TRY(list(key));
  std::optional<Stored> found;
  for (const KeyChange& entry : listing.entries) {
    if (entry.key == key) found = entry.stored;
  }
  if ((found ? found->version : "") != version) return found;
  found.reset();
  TRY(follow(key, listing, deadline, [&](KeyChange change) {
    if (change.key != key) return true;
    found = std::move(change.stored);
    return false;
  }));
  return found;
}

}  // namespace oci_oauth
