// SPDX-License-Identifier: Apache-2.0
// The programs that are installed with the running one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

struct InstalledPrograms {
  std::string prefix;

  // Of a program in PREFIX/bin. Failure: /proc is not there.
  static Result<InstalledPrograms> find();

  std::string command() const;  // the path of oci-oauth
  // One of the programs in libexec/oci-oauth, which only oci-oauth starts.
  std::string helper(std::string_view name) const;
};

}  // namespace oci_oauth
