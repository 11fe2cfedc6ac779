// SPDX-License-Identifier: Apache-2.0
// Containers that outlived the runtime directory that their token was mounted from: logind(8) removes a
// user's $XDG_RUNTIME_DIR, and with it all tokens and records of containers, after the last logout.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace oci_oauth {

struct StrandedContainer {
  pid_t process = 0;   // one in the container
  std::string target;  // in the container, with proc(5)'s escapes

  friend bool operator==(const StrandedContainer&, const StrandedContainer&) = default;
};

// Those of processes that the caller may examine, for a runtime directory at this path.
std::vector<StrandedContainer> stranded_containers(const std::string& runtime_dir);

}  // namespace oci_oauth
