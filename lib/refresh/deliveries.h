// SPDX-License-Identifier: Apache-2.0
// Delivers published tokens to the containers that have a directory of their own, and cleans up after
// containers and profiles that are gone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "token/records.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// Writes the content of share/PROFILE to the directory of each running container that has the profile written
// and lacks some of it, and records the outcome. The cost does not depend on how many containers have it
// mounted; each written one is examined once. Result: new failures; an old one stays in the record, and is
// tried again each time.
std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login);

struct Sweep {
  size_t swept = 0;
  std::vector<Error> failures;  // records that cannot be read, and our files that cannot be removed
};

// Forgets the containers whose process is gone: removes what was written for them (forget_container()), and
// their records. Those with a written directory are all looked at, the others in turns, so that a sweep costs
// the same for any number. What cannot be removed is tried again by the next sweep.
Sweep sweep_records(const RuntimeDir& runtime);

// Takes back what was published of a profile: from share/NAME, and from the directories that were written for
// running containers; the others are swept. The caller holds the profile's lock. Result: whether there was
// anything. Failure: some of it is still there.
Result<bool> withdraw_profile(const RuntimeDir& runtime, const std::string& profile);

// Withdraws each profile that `config` published and does not have any more, so that no container reads a
// token that nobody refreshes. Result: a warning for each, with the containers that had it.
std::vector<Error> retire_profiles(const RuntimeDir& runtime, const Config& config);

}  // namespace oci_oauth
