// SPDX-License-Identifier: Apache-2.0
// Where the hook is installed, and how long it waits for the ledger.
#pragma once

#include <chrono>

namespace oci_oauth {

inline constexpr unsigned hook_levels = 3;  // PREFIX/libexec/oci/hooks.d/oci-oauth-hook
inline constexpr auto wait_for_ledger = std::chrono::seconds(3);

}  // namespace oci_oauth
