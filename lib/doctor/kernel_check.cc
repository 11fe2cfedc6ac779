// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

struct Feature {
  std::string_view name, since;
  bool KernelFeatures::*is_there;
  Verdict without;
  std::string_view consequence, remedy;
};

constexpr Feature features[] = {
    {"openat2", "5.6", &KernelFeatures::openat2, Verdict::problem,
     "no delivery: paths in a container cannot be resolved safely", "run Linux 5.6 or later"},
    {"open_tree, move_mount, mount_setattr", "5.12", &KernelFeatures::mount_calls, Verdict::problem,
     "delivery into bind-mounted directories only",
     "run Linux 5.12 or later, or bind-mount a directory at the target"},
    {"close_range", "5.9", &KernelFeatures::close_range, Verdict::warning,
     "inherited descriptors stay open in the hook", "run Linux 5.9 or later"},
    {"Landlock", "5.13", &KernelFeatures::landlock, Verdict::warning,
     "a refresh is confined by its owner's rights only", "add landlock to the kernel's lsm= parameter"},
};

}  // namespace

Findings check_kernel(const CheckContext& context) {
  Findings findings;
  std::string present;
  for (const Feature& feature : features) {
    if (context.host.kernel.*feature.is_there) {
      present += fmt::format("{}{}", present.empty() ? "" : ", ", feature.name);
    } else {
      findings.push_back({"kernel", feature.without,
                          fmt::format("{} (Linux {} or later) is not available: {}", feature.name,
                                      feature.since, feature.consequence),
                          std::string(feature.remedy)});
    }
  }
  if (findings.empty()) findings.push_back({"kernel", Verdict::ok, "has " + present, ""});
  return findings;
}

}  // namespace oci_oauth
