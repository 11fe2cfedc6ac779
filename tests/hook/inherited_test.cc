// SPDX-License-Identifier: Apache-2.0
#include "hook/inherited.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/fmt.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace oci_oauth;

namespace {

// A child's answer comes through a descriptor, which reset_for_reading() would close.
std::string answer_in_status(const std::function<bool()>& is_right) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(is_right() ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "right" : "wrong";
}

bool is_raised(__rlimit_resource resource) {
  rlimit limit;
  return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur == limit.rlim_max;
}

void lower(__rlimit_resource resource, rlim_t soft) {
  rlimit limit;
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = soft;
  ::setrlimit(resource, &limit);
}

sighandler_t handler_of(int number) {
  struct sigaction action;
  return ::sigaction(number, nullptr, &action) == 0 ? action.sa_handler : SIG_ERR;
}

}  // namespace

TEST_CASE("before a byte is read the caller's descriptors, environment and memory limits are gone") {
  CHECK(answer_in_status([] {
          const int inherited = ::open("/dev/null", O_RDONLY);  // NOLINT(android-cloexec-open)
          ::setenv("LD_PRELOAD", "/nowhere", 1);
          lower(RLIMIT_DATA, rlim_t{1} << 30);
          reset_for_reading();
          return ::fcntl(inherited, F_GETFD) < 0 && ::getenv("LD_PRELOAD") == nullptr &&
                 is_raised(RLIMIT_DATA) && is_raised(RLIMIT_AS);
        }) == "right");
}

TEST_CASE("before anything is written the umask, file limits, signals and alarm are the program's own") {
  const ChildProcess child([]() -> std::string {
    ::umask(0777);
    ::signal(SIGCHLD, SIG_IGN);
    ::alarm(3600);
    lower(RLIMIT_FSIZE, 0);
    lower(RLIMIT_NOFILE, 16);
    reset_for_writing();
    if (::umask(0) != 022) return "umask";
    if (handler_of(SIGCHLD) != SIG_DFL) return "SIGCHLD";
    if (handler_of(SIGPIPE) != SIG_IGN || handler_of(SIGXFSZ) != SIG_IGN) return "SIGPIPE, SIGXFSZ";
    if (::alarm(0) != 0) return "alarm";
    if (!is_raised(RLIMIT_FSIZE) || !is_raised(RLIMIT_NOFILE)) return "limits";
    return "all its own";
  });
  CHECK(child.answer() == "all its own");
}

TEST_CASE("a stdio that the caller closed is /dev/null, so that no file gets its number") {
  CHECK(answer_in_status([] {
          ::close(1);
          ::close(2);
          reset_for_writing();
          const int file = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
          struct stat out, null;
          return file > 2 && ::fstat(1, &out) == 0 && ::stat("/dev/null", &null) == 0 &&
                 out.st_rdev == null.st_rdev && ::fcntl(2, F_GETFD) == 0;
        }) == "right");
}
