// SPDX-License-Identifier: Apache-2.0
// A test that cannot run here says so: `return skip("needs root");`. Its program then exits with 77 unless
// something failed, and ctest lists it as skipped, not as passed.
#pragma once

#include <string>

namespace oci_oauth {

// What a program exits with that failed nowhere and skipped somewhere, as ctest's SKIP_RETURN_CODE has it.
constexpr int exit_skipped = 77;

// Prints "SKIPPED: TEST: WHY" to stderr.
void skip(const std::string& why);

// How many tests of this program did so.
unsigned skipped_tests();

}  // namespace oci_oauth
