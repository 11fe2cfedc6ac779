// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "support/catch.h"
#include "support/skip.h"

namespace oci_oauth {

namespace {

unsigned skips = 0;

}  // namespace

void skip(const std::string& why) {
  ++skips;
  const std::string line =
      "SKIPPED: " + std::string(Catch::getResultCapture().getCurrentTestName()) + ": " + why + "\n";
  std::fputs(line.c_str(), stderr);
}

unsigned skipped_tests() {
  return skips;
}

}  // namespace oci_oauth

int main(int argc, char** argv) {
  // Catch2 returns the number of failures, which may be 77.
  const int failures = Catch::Session().run(argc, argv);
  if (failures != 0) return 1;
  return oci_oauth::skipped_tests() == 0 ? 0 : oci_oauth::exit_skipped;
}
