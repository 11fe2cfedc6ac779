// SPDX-License-Identifier: Apache-2.0
// A file that an engine wrote for its runtime (a bundle's config.json, an exec's process): read whole, and
// replaced whole before the runtime reads it.
#pragma once

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace oci_oauth {

class RuntimeFile {
 public:
  // Failure: "PATH: reason" for a symbolic link, which could lead to a file outside any bundle, for any other
  // file that is not regular, and for more than 16 MiB.
  static Result<RuntimeFile> open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }

  // By rename(2) in the same directory; mode and owner stay. Failure: the old content stays.
  Result<void> replace(std::string_view text) const;

 private:
  std::string path_, text_;
  UniqueFd directory_;
  mode_t mode_ = 0;
  Owner owner_ = {};
};

}  // namespace oci_oauth
