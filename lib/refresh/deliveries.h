// SPDX-License-Identifier: Apache-2.0
// From what is published to the containers that have a directory of their own, and the end of those that are
// gone.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "token/published.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// Writes what `share` (open directory) holds into the directory of each running container that has the
// profile written. Result: the directories that could not be updated. `login`: see deliver_files().
std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login);

// Removes the records of containers whose process is gone, and what was written for them: only from the same
// directory, only where no running container has it too, never the login or a file with a refresh token.
// Result: how many containers.
size_t sweep_records(const RuntimeDir& runtime);

}  // namespace oci_oauth
