// SPDX-License-Identifier: Apache-2.0
// The environment of this process, secure_getenv(3).
#pragma once

#include <stdlib.h>

#include <string_view>

namespace oci_oauth {

// As getenv(3): nullptr for a name that is not set. A program that does not trust its environment passes a
// function that finds nothing.
using GetEnvironment = const char* (*)(const char* name);

inline const char* own_environment(const char* name) {
  return ::secure_getenv(name);
}

// Empty if it is not set.
inline std::string_view from_environment(const char* name) {
  const char* value = own_environment(name);
  return value == nullptr ? "" : value;
}

}  // namespace oci_oauth
