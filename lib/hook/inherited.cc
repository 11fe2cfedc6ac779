// SPDX-License-Identifier: Apache-2.0
#include "hook/inherited.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

namespace oci_oauth {

namespace {

// Limits that the caller may have lowered and we can raise again.
void raise_limits(std::initializer_list<__rlimit_resource> resources) {
  for (const __rlimit_resource resource : resources) {
    rlimit limit;
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == limit.rlim_max) continue;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(resource, &limit);
  }
}

// A file must not get the number of a stdio that the caller closed.
void open_stdio() {
  pollfd stdio[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
  if (::poll(stdio, 3, 0) <= 0) return;
  for (const pollfd& fd : stdio) {
    // Replaces a standard stream that the caller closed, so it is inherited like one.
    if ((fd.revents & POLLNVAL) != 0) (void)::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open)
  }
}

}  // namespace

void reset_for_reading() {
  ::close_range(3, ~0U, 0);
  ::clearenv();
  raise_limits({RLIMIT_AS, RLIMIT_DATA});
}

void reset_for_writing() {
  open_stdio();
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // wait(2) knows nothing of children while it is ignored
  ::alarm(0);                  // outlives execve(2)
  raise_limits({RLIMIT_FSIZE, RLIMIT_NOFILE});
}

void reset_for_program() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  [[maybe_unused]] const int done = ::chdir("/");
}

}  // namespace oci_oauth
