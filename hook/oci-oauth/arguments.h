// SPDX-License-Identifier: Apache-2.0
// Reads a verb's words: "--flag", "--option VALUE" or "--option=VALUE", and operands in any order; "--" ends
// the options. Keeps the first mistake, so that a verb asks for all it knows and then checks once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

using Arguments = std::vector<std::string>;

class ArgumentReader {
 public:
  ArgumentReader(std::string_view verb, Arguments arguments);

  // True where the option is given. Given with "=VALUE" it is a mistake.
  bool flag(std::string_view option);
  // The last value given; nullopt where the option is not there.
  std::optional<std::string> value(std::string_view option);

  // What is left, once every option the verb knows was asked for. Failure (usage): "VERB: unknown option
  // '--x'", "VERB: option '--y' needs a value".
  Result<Arguments> operands();

 private:
  void fail(const std::string& message);

  std::string verb_;
  Arguments words_;     // before "--", without what was asked for so far
  Arguments operands_;  // after "--"
  std::optional<Error> mistake_;
};

// A mistake in the command line of `verb`.
Error usage_error(std::string_view verb, std::string_view what);

}  // namespace oci_oauth
