// SPDX-License-Identifier: Apache-2.0
// The container state that a runtime writes to a hook's stdin (OCI runtime-spec, runtime.md "State").
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/record.h"
#include "base/result.h"

namespace oci_oauth {

struct ContainerState {
  std::string id;
  // 0 if there is none: at poststop, where some runtimes write -1, and in stages that run inside the
  // container.
  pid_t pid = 0;
  std::string bundle;  // absolute
};

void describe(auto& each, RecordOf<ContainerState> auto& state) {
  each("id", state.id);
  each("bundle", state.bundle);
  each("pid", state.pid);
}

// Failure: "state: reason" if the text is not JSON, not an object, or lacks an id or an absolute bundle.
Result<ContainerState> parse_state(std::string_view text);

// An id is part of file names: true for 1 to 240 characters of [A-Za-z0-9_.+-] that do not start with a dot.
bool is_valid_container_id(std::string_view id);

}  // namespace oci_oauth
