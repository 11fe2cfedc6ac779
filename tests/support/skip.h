// SPDX-License-Identifier: Apache-2.0
// A test that cannot run here says so: `return skip("needs root");`. Its program then exits with 77 unless
// something failed, and ctest lists it as skipped, not as passed.
#pragma once

#include <unistd.h>

#include <string>

namespace oci_oauth {

// What a program exits with that failed nowhere and skipped somewhere, as ctest's SKIP_RETURN_CODE has it.
constexpr int exit_skipped = 77;

// Prints "SKIPPED: TEST: WHY" to stderr.
void skip(const std::string& why);

// True, and the test is skipped, unless this is root.
inline bool without_root() {
  if (::geteuid() == 0) return false;
  skip("needs root");
  return true;
}

// True, and the test is skipped, if a child's answer says so: "skipped: WHY".
inline bool skipped(const std::string& answer) {
  if (!answer.starts_with("skipped")) return false;
  skip(answer + " (run the tests as root)");
  return true;
}

// How many tests of this program did so.
unsigned skipped_tests();

}  // namespace oci_oauth
