// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"

namespace oci_oauth::fmt {

std::string formatted(::fmt::string_view text, ::fmt::format_args args) {
  return ::fmt::vformat(text, args);
}

}  // namespace oci_oauth::fmt
