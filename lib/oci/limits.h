// SPDX-License-Identifier: Apache-2.0
// How much of what a runtime or an engine writes is read.
#pragma once

#include "base/file.h"

namespace oci_oauth {

inline constexpr size_t state_limit = MiB;      // the state on a hook's stdin
inline constexpr size_t spec_limit = 16 * MiB;  // config.json, and the process of an exec

inline constexpr int longest_queue = 128;  // of clients of a container's socket that have not been accepted

}  // namespace oci_oauth
