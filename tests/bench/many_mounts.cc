// SPDX-License-Identifier: Apache-2.0
// Runs a program in a mount namespace like that of a host with many mounts:
//   many-mounts COUNT DIR PROGRAM [ARGUMENT]...
// mounts a tmpfs at DIR and COUNT directories in it on themselves, for that program alone.
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "start.h"

using namespace oci_oauth;
using namespace oci_oauth::bench;

namespace {

void check(bool done, std::string_view call) {
  if (!done) give_up(Error::from_errno(errno, call).message);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned count = 0;
  if (argc > 3) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  if (count == 0) give_up("usage: many-mounts COUNT DIR PROGRAM [ARGUMENT]...");
  check(::unshare(CLONE_NEWNS) == 0, "unshare");
  check(::mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0, "mount");
  check(::mount("tmpfs", argv[2], "tmpfs", 0, "") == 0, "mount");
  for (unsigned i = 0; i < count; ++i) {
    const std::string directory = fmt::format("{}/{}", argv[2], i);
    check(::mkdir(directory.c_str(), 0755) == 0, "mkdir");
    check(::mount(directory.c_str(), directory.c_str(), "", MS_BIND, "") == 0, "mount");
  }
  ::execv(argv[3], argv + 3);
  check(false, argv[3]);
}
