// SPDX-License-Identifier: Apache-2.0
// What a verb was called with, as its parse() asks for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"

namespace oci_oauth {

class ArgumentReader {
 public:
  ArgumentReader(std::string_view, const Arguments& arguments) : arguments_(arguments) {}

  bool flag(std::string_view option) const { return arguments_.has(option); }
  std::optional<std::string> value(std::string_view option) const { return arguments_.value(option); }
  Result<std::vector<std::string>> operands() const { return arguments_.operands; }

 private:
  const Arguments& arguments_;
};

}  // namespace oci_oauth
