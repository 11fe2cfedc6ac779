// SPDX-License-Identifier: Apache-2.0
#include "base/file_lock.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>

#include <cerrno>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

// Interrupts a blocking call of this thread with SIGALRM at the deadline, and again every 20 ms, because the
// first signal may arrive just before the call.
class Alarm {
 public:
  explicit Alarm(Milliseconds delay) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &old_action_);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, &old_mask_);
    const auto count = delay.count();
    const itimerval timer = {.it_interval = {0, 20'000},
                             .it_value = {count / 1000, static_cast<suseconds_t>(count % 1000 * 1000)}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~Alarm() {
    const itimerval off = {};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    ::sigaction(SIGALRM, &old_action_, nullptr);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  struct sigaction old_action_;
  sigset_t old_mask_;
};

int flock_until(int fd, int operation, SteadyTime deadline) {
  if (::flock(fd, operation | LOCK_NB) == 0) return 0;
  if (errno != EWOULDBLOCK) return errno;
  const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return EWOULDBLOCK;
  const Alarm alarm(left);
  while (::flock(fd, operation) != 0) {
    if (errno != EINTR) return errno;
    if (std::chrono::steady_clock::now() >= deadline) return EWOULDBLOCK;
  }
  return 0;
}

}  // namespace

Result<FileLock> FileLock::acquire(UniqueFd fd, LockMode mode, SteadyTime deadline, std::string_view shown) {
  const int reason = flock_until(fd.get(), mode == LockMode::shared ? LOCK_SH : LOCK_EX, deadline);
  if (reason == EWOULDBLOCK) {
    return Error{ErrorKind::temporary, fmt::format("{}: another process holds the lock", shown)};
  }
  if (reason != 0) return Error::from_errno(reason, fmt::format("{}: flock", shown));
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::acquire(const FileAt& file, LockMode mode, SteadyTime deadline) {
  auto fd = TRY(open_file(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  return acquire(std::move(fd), mode, deadline, file.shown);
}

}  // namespace oci_oauth
