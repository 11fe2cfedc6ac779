// SPDX-License-Identifier: Apache-2.0
#include "hook/inherited.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <vector>

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

TEST_CASE("before a byte is read the caller's descriptors and environment are gone") {
  CHECK(answer_in_status([] {
          const int inherited = ::open("/dev/null", O_RDONLY);  // NOLINT(android-cloexec-open)
          ::setenv("LD_PRELOAD", "/nowhere", 1);
          reset_for_reading();
          return ::fcntl(inherited, F_GETFD) < 0 && ::getenv("LD_PRELOAD") == nullptr;
        }) == "right");
}

#ifndef __SANITIZE_ADDRESS__  // its operator new calls no handler
TEST_CASE("memory is had as far as the hard limit, and not beyond") {
  constexpr rlim_t soft = rlim_t{256} << 20, hard = rlim_t{1} << 30;
  CHECK(answer_in_status([] {
          const rlimit limit = {soft, hard};
          reset_for_reading();
          if (::setrlimit(RLIMIT_DATA, &limit) != 0) return false;
          const std::vector<char> more(soft);
          try {
            const std::vector<char> too_much(hard);
          } catch (const std::bad_alloc&) {
            return is_raised(RLIMIT_DATA);
          }
          return false;
        }) == "right");
}
#endif

TEST_CASE("before a file is written the umask, its limits and the alarm are the program's own") {
  const ChildProcess child([]() -> std::string {
    ::umask(0777);
    ::alarm(3600);
    lower(RLIMIT_FSIZE, 0);
    lower(RLIMIT_NOFILE, 16);
    reset_for_writing();
    if (::umask(0) != 022) return "umask";
    if (::alarm(0) != 0) return "alarm";
    if (!is_raised(RLIMIT_FSIZE) || !is_raised(RLIMIT_NOFILE)) return "limits";
    return "all its own";
  });
  CHECK(child.answer() == "all its own");
}

TEST_CASE("a file that reaches its hard limit does not end the process") {
  CHECK(answer_in_status([] {
          const rlimit none = {0, 0};
          if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return false;
          reset_for_writing();
          const int file = ::open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
          return file >= 0 && ::write(file, "x", 1) < 0 && errno == EFBIG;
        }) == "right");
}

TEST_CASE("a message to a reader that is gone does not end the process") {
  CHECK(answer_in_status([] {
          reset_for_output();
          return handler_of(SIGPIPE) == SIG_IGN;
        }) == "right");
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
