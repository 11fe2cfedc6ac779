// SPDX-License-Identifier: Apache-2.0
// Names for sizes in bytes.
#pragma once

#include <cstddef>

namespace oci_oauth {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

}  // namespace oci_oauth
