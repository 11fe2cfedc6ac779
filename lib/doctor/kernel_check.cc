// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/fmt.h"
#include "base/unique_fd.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

// Each call fails or does nothing; only "there is no such call" matters.
bool is_there(long result) {
  return result >= 0 || errno != ENOSYS;
}

bool has_openat2() {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how)));
  return is_there(fd.get());
}

bool has_mount_calls() {
  const UniqueFd tree(::open_tree(AT_FDCWD, "/", OPEN_TREE_CLOEXEC));
  if (!is_there(tree.get())) return false;
  if (!is_there(::move_mount(-1, "", -1, "", MOVE_MOUNT_F_EMPTY_PATH))) return false;
  mount_attr attributes = {};
  return is_there(::mount_setattr(-1, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

bool has_close_range() {
  return is_there(::close_range(INT_MAX, INT_MAX, 0));
}

bool has_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

struct Feature {
  std::string_view name, since;
  bool (*probe)();
  Verdict without;
  std::string_view consequence, remedy;
};

constexpr Feature features[] = {
    {"openat2", "5.6", has_openat2, Verdict::problem,
     "no delivery: paths in a container cannot be resolved safely", "run Linux 5.6 or later"},
    {"open_tree, move_mount, mount_setattr", "5.12", has_mount_calls, Verdict::problem,
     "delivery into bind-mounted directories only",
     "run Linux 5.12 or later, or bind-mount a directory at the target"},
    {"close_range", "5.9", has_close_range, Verdict::warning, "inherited descriptors stay open in the hook",
     "run Linux 5.9 or later"},
    {"Landlock", "5.13", has_landlock, Verdict::warning, "a refresh is confined by its owner's rights only",
     "add landlock to the kernel's lsm= parameter"},
};

}  // namespace

Findings check_kernel(const CheckContext&) {
  Findings findings;
  std::string present;
  for (const Feature& feature : features) {
    if (feature.probe()) {
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
