// SPDX-License-Identifier: Apache-2.0
// From what is published to the containers that have a directory of their own, and the end of containers and
// profiles that are gone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "token/published.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// Writes what share/PROFILE holds into the directory of each running container that has the profile written
// and lacks some of it, and notes in its record how that ended. Costs the same for any number of containers
// that have it mounted, and one look for each that is written. Result: the failures that are new; one that
// stays is in the record, and is tried again each time.
std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login);

struct Sweep {
  size_t swept = 0;
  std::vector<Error> failures;  // records that cannot be read, and files of ours that cannot be removed
};

// Forgets the containers whose process is gone: what was written for them goes as forget_container() says,
// and their records. What cannot be removed is tried again by the next sweep.
Sweep sweep_records(const RuntimeDir& runtime);

// Empties share/NAME of each profile that `config` published and no longer has, so that no container reads a
// token that nobody refreshes. Result: a warning for each, with the containers that had it.
std::vector<Error> retire_profiles(const RuntimeDir& runtime, const Config& config);

}  // namespace oci_oauth
