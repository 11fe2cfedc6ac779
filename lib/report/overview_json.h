// SPDX-License-Identifier: Apache-2.0
// The overview for scripts; oci-oauth(1) describes its words.
#pragma once

#include <string>

#include "report/overview.h"

namespace oci_oauth {

// Indented, with a final newline.
std::string overview_json(const Overview& overview);

}  // namespace oci_oauth
