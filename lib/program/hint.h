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

// With sudo(8) before each command that needs the rights of the program that gives the hint.
std::string with_sudo(std::string hint);

// A hint as its reader has to type it: with sudo(8), if this program was started with it.
std::string as_typed(std::string hint);

}  // namespace oci_oauth
