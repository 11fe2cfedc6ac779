// SPDX-License-Identifier: Apache-2.0
// The providers of a checkout with the modes that they are installed with: a checkout may be writable by its
// group, and such files are refused.
#pragma once

#include "support/temp_dir.h"

namespace oci_oauth::test {

// The directory of copies; `source` is the checkout.
inline std::string providers_of(const std::string& source) {
  namespace fs = std::filesystem;
  static const TempDir copies;
  for (const auto& entry : fs::directory_iterator(source + "/oci-config/providers")) {
    const std::string copy = copies / entry.path().filename().string();
    if (fs::exists(copy)) continue;
    fs::copy_file(entry.path(), copy);
    fs::permissions(copy, fs::perms(0644));
  }
  return copies.path();
}

}  // namespace oci_oauth::test
