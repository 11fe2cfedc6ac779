// SPDX-License-Identifier: Apache-2.0
// What is fuzzed: each function takes any bytes and aborts where a promise about them is broken.
#pragma once

#include <cstdlib>
#include <span>
#include <string_view>

namespace oci_oauth::fuzz {

struct Target {
  std::string_view name;  // also the corpus's directory
  void (*run)(std::string_view input);
};

std::span<const Target> targets();

inline void expect(bool holds) {
  if (!holds) std::abort();
}

void fuzz_json(std::string_view input);

}  // namespace oci_oauth::fuzz
