// SPDX-License-Identifier: Apache-2.0
// libFuzzer's way in: one program for all targets; OCI_OAUTH_FUZZ_TARGET in the environment names the one to
// run.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.h"

namespace {

const oci_oauth::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const name = std::getenv("OCI_OAUTH_FUZZ_TARGET");
  for (const auto& target : oci_oauth::fuzz::targets()) {
    if (name != nullptr && target.name == name) chosen = &target;
  }
  if (chosen != nullptr) return 0;
  std::fprintf(stderr, "fuzz: error: OCI_OAUTH_FUZZ_TARGET='%s': no such target\n",
               name != nullptr ? name : "");
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
