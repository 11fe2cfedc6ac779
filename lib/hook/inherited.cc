// SPDX-License-Identifier: Apache-2.0
#include "hook/inherited.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

namespace oci_oauth {

namespace {

// A limit that the caller may have lowered and we can raise again.
struct Raised {
  bool is_raised = false;  // it was lower
  rlim_t limit = 0;
};
Raised raise_limit(__rlimit_resource resource) {
  rlimit limit;
  if (::getrlimit(resource, &limit) != 0) return {};
  if (limit.rlim_cur == limit.rlim_max) return {false, limit.rlim_max};
  limit.rlim_cur = limit.rlim_max;
  return {::setrlimit(resource, &limit) == 0, limit.rlim_max};
}

// Called when there is no memory, until it raises nothing: then the allocation fails.
void raise_memory_limits() {
  const bool space = raise_limit(RLIMIT_AS).is_raised, data = raise_limit(RLIMIT_DATA).is_raised;
  if (!space && !data) std::set_new_handler(nullptr);
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
  std::set_new_handler(raise_memory_limits);
}

void reset_for_writing() {
  open_stdio();
  ::umask(022);
  ::alarm(0);  // outlives execve(2)
  if (raise_limit(RLIMIT_FSIZE).limit != RLIM_INFINITY) ::signal(SIGXFSZ, SIG_IGN);
  (void)raise_limit(RLIMIT_NOFILE);
}

void reset_for_output() {
  open_stdio();
  ::signal(SIGPIPE, SIG_IGN);
}

void reset_for_program() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  [[maybe_unused]] const int done = ::chdir("/");
}

}  // namespace oci_oauth
