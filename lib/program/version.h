// SPDX-License-Identifier: Apache-2.0
// The version that each program prints.
#pragma once

#include <string_view>

namespace oci_oauth {

// The project's version, "MAJOR.MINOR.PATCH".
std::string_view version();

}  // namespace oci_oauth
