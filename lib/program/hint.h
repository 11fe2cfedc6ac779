// SPDX-License-Identifier: Apache-2.0
// What a person can do about an error.
#pragma once

#include <string>

#include "base/result.h"

namespace oci_oauth {

// A part of the installation is missing.
constexpr const char* incomplete_hint = "install oci-oauth-hook again";

// The error's own hint, or else what its kind suggests. Never empty.
std::string hint_of(const Error& error);

}  // namespace oci_oauth
